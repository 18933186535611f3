/** The JavaScript of the SQLite driver; src/bundle.mjs makes a file of it that holds it, instead of a dozen to be found. */
export { default as Driver } from 'better-sqlite3';
