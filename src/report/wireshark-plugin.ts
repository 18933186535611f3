import { OWNER_FIELDS } from '../core/owner-fields.ts';

/** Fields whose values are numbers; ftypes of Wireshark's Lua. */
const NUMBERS: ReadonlySet<string> = new Set(['pid', 'ppid', 'uid', 'holders']);

/** A post-dissector for Wireshark that turns the comments of pcapid into fields. Lua 5.2, as Wireshark 3 and 4 have it. */
export function wiresharkPlugin(version: string): string {
  const fields = OWNER_FIELDS.map((name) => `  { "${name}", ftypes.${NUMBERS.has(name) ? 'UINT32' : 'STRING'} },`);
  return `-- pcapid ${version}: fields pcapid.src.pid, pcapid.src.comm, pcapid.dst.pid ... from the comments of
-- "pcapid annotate". Put it into the folder that "tshark -G folders" calls Personal Lua Plugins, or load it once:
--   tshark -X lua_script:pcapid.lua -r named.pcapng -Y 'pcapid.src.comm == "curl"'
local pcapid = Proto("pcapid", "Processes behind the packet")
local comments = Field.new("frame.comment")

local names = {
${fields.join('\n')}
}
local fields = { flow = ProtoField.uint32("pcapid.flow", "Flow") }
local kinds = {}
for _, side in ipairs({ "src", "dst" }) do
  for _, name in ipairs(names) do
    local key = side .. "." .. name[1]
    kinds[key] = name[2]
    fields[key] = ProtoField.new(key, "pcapid." .. key, name[2])
  end
end
for _, field in pairs(fields) do table.insert(pcapid.fields, field) end

-- "\\\\x22" stands for a quote and the like; what stands after two backslashes is meant as it is.
local function plain(text)
  return (text:gsub("(\\\\+)x([0-7]%x)", function(slashes, code)
    if #slashes % 2 == 0 then return nil end
    return slashes:sub(2) .. string.char(tonumber(code, 16))
  end))
end

local function add(tree, key, value)
  local field = fields[key]
  if field == nil then return end
  if kinds[key] == ftypes.STRING then tree:add(field, plain(value)) return end
  local number = tonumber(value)
  if number ~= nil and number >= 0 and number < 4294967296 then tree:add(field, number) end
end

-- Word by word: what stands in quotes may look like a field and is none.
local function each(text, on_field)
  local at = 1
  while true do
    local key, value_at = text:match("^ ([a-z._]+)=()", at)
    if key == nil then return end
    local value, next_at = text:match('^"([^"]*)"()', value_at)
    if value == nil then value, next_at = text:match("^(%S*)()", value_at) end
    on_field(key, value)
    at = next_at
  end
end

function pcapid.dissector(_, _, root)
  for _, comment in ipairs({ comments() }) do
    local text = tostring(comment)
    local flow, rest = text:match("^pcapid flow=(%d+)(.*)$")
    if flow ~= nil then
      local tree = root:add(pcapid)
      tree:add(fields.flow, tonumber(flow) % 4294967296)
      each(rest, function(key, value) add(tree, key, value) end)
    end
  end
end

register_postdissector(pcapid)
`;
}
