import { MIGRATION_1 } from './migration-1.ts';
import { MIGRATION_2 } from './migration-2.ts';
import { MIGRATION_3 } from './migration-3.ts';
import { MIGRATION_4 } from './migration-4.ts';
import { MIGRATION_5 } from './migration-5.ts';
import { MIGRATION_6 } from './migration-6.ts';
import { MIGRATION_7 } from './migration-7.ts';
import { MIGRATION_8 } from './migration-8.ts';
import { MIGRATION_9 } from './migration-9.ts';
import { MIGRATION_10 } from './migration-10.ts';
import { MIGRATION_11 } from './migration-11.ts';
import { MIGRATION_12 } from './migration-12.ts';
import { MIGRATION_13 } from './migration-13.ts';

/** SQL of every schema version in order: index + 1 is PRAGMA user_version. A released one is never edited. */
export const MIGRATIONS: readonly string[] = [
  MIGRATION_1,
  MIGRATION_2,
  MIGRATION_3,
  MIGRATION_4,
  MIGRATION_5,
  MIGRATION_6,
  MIGRATION_7,
  MIGRATION_8,
  MIGRATION_9,
  MIGRATION_10,
  MIGRATION_11,
  MIGRATION_12,
  MIGRATION_13,
];
