/** struct. */
import { testShown } from "../support/lua_host.ts";

testShown("pack and unpack", [
  [
    "local function h(s) return (s:gsub('.',function(c) return string.format('%02x',c:byte()) end)) end return h(struct.pack('>I2<i4bs',1,-2,-3,'x')),h(struct.pack('!bi',1,2)),h(struct.pack('>f',2.5)),h(struct.pack('i3',-2))",
    "0001fefffffffd7800 0100000002000000 40200000 feffff",
  ],
  ["return struct.unpack('>i2bc0','\\128\\0\\2abc')", "-32768 ab 6"],
  ["return struct.size('!8i4ld'),struct.size('bi')", "24 5"],
]);

testShown("errors", [
  ["return pcall(struct.unpack,'i','\\1')", "false bad argument #2 to '?' (data string too short)"],
  ["return pcall(struct.pack,'z')", "false bad argument #1 to '?' (invalid format option 'z')"],
  ["return pcall(struct.size,'s')", "false bad argument #1 to '?' (option 's' has no fixed size)"],
  ["return pcall(struct.pack,'!3')", "false alignment 3 is not a power of 2"],
  ["return pcall(struct.pack,'i33',1)", "false integral size 33 is larger than limit of 32"],
]);
