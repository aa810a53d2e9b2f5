/** JSON Schema, as far as the forms go by it. */

export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string | string[];
  format?: string;
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
}

export type Definitions = Readonly<Record<string, Schema>>;

export interface Parameter {
  /** `query.profiles`: from the outermost object. */
  path: string;
  schema: Schema;
  nullable: boolean;
  /** Whether the object it belongs to has to have it. */
  required: boolean;
}

/** The schema itself, with references followed, and whether null will do instead. */
export function resolved(schema: Schema, definitions: Definitions): { schema: Schema; nullable: boolean } {
  if (schema.$ref !== undefined) {
    const { $ref, ...own } = schema;
    // A name of a type is no title for people.
    const { title: _, ...found } = definitions[$ref.split("/").at(-1) ?? ""] ?? {};
    return resolved({ ...found, ...own }, definitions);
  }
  if (schema.anyOf === undefined) return { schema, nullable: schema.type === "null" };
  const { anyOf, ...own } = schema;
  const parts = anyOf.map((part) => resolved(part, definitions));
  const nullable = parts.some((part) => part.nullable);
  const [first, ...others] = parts.map((part) => part.schema).filter((part) => part.type !== "null");
  // What may be one of several things is for the user to write out.
  return { schema: first && others.length === 0 ? { ...first, ...own } : own, nullable };
}

/** Objects nested deeper are written out. A type may contain itself. */
const DEPTH_MAX = 4;

function parameterAt(name: string, schema: Schema, definitions: Definitions, prefix: string): Parameter {
  const { [name]: property = {} } = schema.properties ?? {};
  return { path: prefix + name, ...resolved(property, definitions), required: (schema.required ?? []).includes(name) };
}

/** Whether the parameters of this object are parameters on their own. */
function opens({ path, schema, nullable }: Parameter): boolean {
  return schema.properties !== undefined && !nullable && path.split(".").length < DEPTH_MAX;
}

/** The parameters of an object in their order; those of objects within it under their own paths. */
export function parametersIn(schema: Schema, definitions: Definitions, prefix = ""): Parameter[] {
  return Object.keys(schema.properties ?? {}).flatMap((name) => {
    const parameter = parameterAt(name, schema, definitions, prefix);
    return opens(parameter) ? parametersIn(parameter.schema, definitions, `${parameter.path}.`) : [parameter];
  });
}

/** The paths of objects that have to be in theirs, even with nothing in them; the outer before the inner. */
export function requiredObjects(schema: Schema, definitions: Definitions, prefix = ""): string[] {
  return Object.keys(schema.properties ?? {}).flatMap((name) => {
    const parameter = parameterAt(name, schema, definitions, prefix);
    if (!opens(parameter)) return [];
    return [...(parameter.required ? [parameter.path] : []), ...requiredObjects(parameter.schema, definitions, `${parameter.path}.`)];
  });
}
