import { Command } from 'commander';
import { wiresharkPlugin as luaPlugin } from '../../report/wireshark-plugin.ts';
import type { CommandModule } from '../context.ts';
import { VERSION } from '../version.ts';

const EXAMPLES = `
Examples:
  pcapid wireshark-plugin > pcapid.lua
  tshark -X lua_script:pcapid.lua -r named.pcapng -Y 'pcapid.src.comm == "curl"'
  tshark -X lua_script:pcapid.lua -r named.pcapng -T fields -e frame.number -e pcapid.src.pid -e pcapid.src.comm`;

export const wiresharkPlugin: CommandModule = (context) =>
  new Command('wireshark-plugin')
    .summary('print a Lua plugin for Wireshark')
    .description('Prints a plugin with which Wireshark shows the comments of `pcapid annotate` as fields.')
    .addHelpText('after', EXAMPLES)
    .action(() => context.out(luaPlugin(VERSION)));
