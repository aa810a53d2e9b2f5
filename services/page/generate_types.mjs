// Types for the schemas of the gateway's OpenAPI document: it comes on standard input, they go to standard output.
import { text } from "node:stream/consumers";
import { compile } from "json-schema-to-typescript";

const BANNER = "/** What the gateway's API takes and answers. Made from its OpenAPI document by `deploy/build_page.py --types`. */";
const OPTIONS = {
  additionalProperties: false,
  bannerComment: "",
  style: { printWidth: 140 },
  unknownAny: true,
  unreachableDefinitions: true,
};

/** Objects are closed by OPTIONS, unless nothing is known of them; a default says nothing of the type. */
function prepared(schema) {
  if (Array.isArray(schema)) return schema.map(prepared);
  if (schema === null || typeof schema !== "object") return schema;
  const open = schema.type === "object" && !schema.properties && !schema.additionalProperties;
  const parts = Object.entries(schema).filter(([name]) => name !== "default");
  return Object.fromEntries([...parts.map(([name, part]) => [name, prepared(part)]), ...(open ? [["additionalProperties", true]] : [])]);
}

const { components } = JSON.parse((await text(process.stdin)).replaceAll("#/components/schemas/", "#/definitions/"));
const all = { title: "Api", type: "object", properties: {}, definitions: prepared(components.schemas) };
const types = await compile(all, "Api", OPTIONS);
const own = types.replace(/^export interface Api \{\}\n/m, "").replace(/( \*\n)? \* This (interface|type) was referenced by `Api`'s JSON-Schema\n \* via the `definition` ".*"\.\n/g, "");
process.stdout.write(`${BANNER}\n\n${own.replaceAll("/**\n */\n", "").trim()}\n`);
