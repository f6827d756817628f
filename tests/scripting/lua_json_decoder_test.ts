/** cjson.decode. */
import { testShown } from "../support/lua_host.ts";

testShown("values", [
  [
    "return cjson.decode('{\"a\":[1,2.5,\"x\",true,null]}').a[2],cjson.decode('\"\\\\u20ac\\\\ud83d\\\\ude00\"'),cjson.decode('[1]')[1],cjson.decode(' 1e3 '),cjson.decode('0x10')",
    "2.5 \u00e2\u0082\u00ac\u00f0\u009f\u0098\u0080 1 1000 16",
  ],
]);

testShown("errors count characters from 1", [
  ["return pcall(cjson.decode,'[1,]')", "false Expected value but found T_ARR_END at character 4"],
  [
    "return pcall(cjson.decode,'{\"a\":1,}')",
    "false Expected object key string but found T_OBJ_END at character 8",
  ],
  [
    "return pcall(cjson.decode,'\"abc')",
    "false Expected value but found unexpected end of string at character 5",
  ],
  ["return pcall(cjson.decode,'1 2')", "false Expected the end but found T_NUMBER at character 3"],
  [
    "return pcall(cjson.decode,('['):rep(1001))",
    "false Found too many nested data structures (1001) at character 1001",
  ],
]);
