/** The choices of the export form, and the parameters they mean. */

export type Format = "user" | "transaction" | "hybrid";
export type FileType = "csv" | "xlsx";
export type BroadcastEvent =
  | "sent"
  | "opened"
  | "clicked"
  | "completed"
  | "hard_bounce"
  | "soft_bounce"
  | "unsubscribed"
  | "feedback";

export interface QuestionChoice {
  question: number;
  /** Empty: any answer. */
  value: string;
}

export interface BroadcastChoice {
  /** Tells the rows of the form apart. */
  key: number;
  event: BroadcastEvent;
  /** Empty: any broadcast. */
  broadcasts: number[];
}

export interface ExportForm {
  format: Format;
  fileType: FileType;
  /** null: all supporter fields. */
  exportGroup: number | null;
  profiles: number[];
  pages: number[];
  questions: QuestionChoice[];
  broadcasts: BroadcastChoice[];
  hybridPages: number[];
  hybridQuestions: number[];
  reference: string;
  /** As the date field gives it, in the account's zone; null: now. */
  startAt: string | null;
}

export const EMPTY_FORM: ExportForm = {
  format: "user",
  fileType: "csv",
  exportGroup: null,
  profiles: [],
  pages: [],
  questions: [],
  broadcasts: [],
  hybridPages: [],
  hybridQuestions: [],
  reference: "",
  startAt: null,
};

export function lacksColumns(form: ExportForm): boolean {
  return form.format === "hybrid" && form.hybridPages.length + form.hybridQuestions.length === 0;
}

function queryOf(form: ExportForm): Record<string, unknown> {
  return {
    ...(form.profiles.length > 0 && { profiles: form.profiles }),
    ...(form.pages.length > 0 && { pages: form.pages }),
    ...(form.questions.length > 0 && {
      questions: form.questions.map(({ question, value }) => (value.trim() ? { question, value: value.trim() } : { question })),
    }),
    ...(form.broadcasts.length > 0 && {
      broadcasts: form.broadcasts.map(({ event, broadcasts }) => (broadcasts.length > 0 ? { event, broadcasts } : { event })),
    }),
  };
}

/** The `parameters` of a `user-data-export`. Columns chosen for the hybrid format count for that format only. */
export function parametersOf(form: ExportForm): Record<string, unknown> {
  const query = queryOf(form);
  return {
    format: form.format,
    file_type: form.fileType,
    ...(form.exportGroup !== null && { export_group_id: form.exportGroup }),
    ...(Object.keys(query).length > 0 && { query }),
    ...(form.format === "hybrid" && form.hybridPages.length > 0 && { hybrid_pages: form.hybridPages }),
    ...(form.format === "hybrid" && form.hybridQuestions.length > 0 && { hybrid_questions: form.hybridQuestions }),
  };
}

/** The places of the form where an error can be shown. */
export const PLACES = [
  "format",
  "file_type",
  "export_group_id",
  "query.profiles",
  "query.pages",
  "query.questions",
  "query.broadcasts",
  "hybrid_pages",
  "hybrid_questions",
  "reference",
  "run_at",
] as const;
export type Place = (typeof PLACES)[number];

/** The place an error's field belongs to: `parameters.query.profiles[0]` to `query.profiles`; null for none. */
export function placeOf(field: string): Place | null {
  const name = field.replace(/^parameters\./, "");
  return PLACES.find((place) => name === place || /^[.[]/.test(name.slice(place.length)) && name.startsWith(place)) ?? null;
}
