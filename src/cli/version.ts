declare const __PCAPID_VERSION__: string; // set by src/bundle.mjs from package.json

export const VERSION: string = __PCAPID_VERSION__;
