/** Whom to export: filters over all supporters of the account. */

import type { JSX } from "preact";
import { formatDay } from "../model/time.ts";
import type { ExportOptions } from "../model/types.ts";
import { formatCount } from "../model/words.ts";
import { zone } from "../state/session.ts";
import { Icon } from "../parts/icons.tsx";
import type { BroadcastChoice, BroadcastEvent } from "./export_form.ts";
import { FieldProblem } from "./field.tsx";
import { PickList, type Choice } from "./pick_list.tsx";
import { change, form } from "./start.ts";

const EVENTS: [BroadcastEvent, string][] = [
  ["sent", "Was sent (the last year only)"],
  ["opened", "Opened"],
  ["clicked", "Clicked a link in"],
  ["completed", "Completed the page of"],
  ["hard_bounce", "Hard bounce of"],
  ["soft_bounce", "Soft bounce of"],
  ["unsubscribed", "Unsubscribed from"],
  ["feedback", "Reported as spam"],
];

const KINDS: Record<string, string> = { opt_in: "opt-in", opt_in_confirm: "opt-in, confirmed", question: "question" };

function words(kind: string): string {
  return KINDS[kind] ?? kind.replaceAll("_", " ");
}

export function pageChoices(options: ExportOptions): Choice[] {
  return options.pages.map(({ id, name, kind }) => ({ id, name, note: words(kind) }));
}

export function questionChoices(options: ExportOptions): Choice[] {
  return options.questions.map(({ id, name, kind }) => ({ id, name, note: words(kind) }));
}

function Answer({ question, optIn }: { question: number; optIn: boolean }): JSX.Element {
  const chosen = form.value.questions.find((each) => each.question === question);
  const answer = (value: string): void =>
    change({ questions: form.value.questions.map((each) => (each.question === question ? { question, value } : each)) });
  return (
    <label class="answer">
      <span class="small">Answer</span>
      {optIn ? (
        <select value={chosen?.value ?? ""} onChange={(event) => answer(event.currentTarget.value)}>
          <option value="">Any</option>
          <option value="Y">Yes</option>
          <option value="N">No</option>
        </select>
      ) : (
        <input type="text" maxLength={1000} placeholder="Any" value={chosen?.value ?? ""} onInput={(event) => answer(event.currentTarget.value)} />
      )}
    </label>
  );
}

function Questions({ options }: { options: ExportOptions }): JSX.Element {
  const chosen = form.value.questions;
  const choose = (ids: number[]): void =>
    change({ questions: ids.map((question) => chosen.find((each) => each.question === question) ?? { question, value: "" }) });
  const isOptIn = (id: number): boolean => options.questions.some((each) => each.id === id && each.kind.startsWith("opt_in"));
  return (
    <PickList
      name="Questions and opt-ins" place="query.questions" none="No filter" choices={questionChoices(options)}
      chosen={chosen.map((each) => each.question)} onChange={choose}
      detail={(id) => <Answer question={id} optIn={isOptIn(id)} />}
    />
  );
}

function BroadcastRow({ row, options }: { row: BroadcastChoice; options: ExportOptions }): JSX.Element {
  const rows = form.value.broadcasts;
  const update = (changes: Partial<BroadcastChoice>): void =>
    change({ broadcasts: rows.map((each) => (each.key === row.key ? { ...each, ...changes } : each)) });
  return (
    <li class="broadcast">
      <select
        aria-label="What happened with the broadcast" value={row.event}
        onChange={(event) => update({ event: event.currentTarget.value as BroadcastEvent })}
      >
        {EVENTS.map(([event, text]) => <option key={event} value={event}>{text}</option>)}
      </select>
      <button
        type="button" class="icon-button" aria-label="Remove this e-mail filter"
        onClick={() => change({ broadcasts: rows.filter((each) => each.key !== row.key) })}
      >
        <Icon name="close" />
      </button>
      <PickList
        name="Broadcasts" none="Any broadcast" chosen={row.broadcasts} onChange={(broadcasts) => update({ broadcasts })}
        choices={options.broadcasts.map(({ id, name, sent_at }) => ({
          id, name, note: sent_at ? formatDay(new Date(sent_at), zone.value) : undefined,
        }))}
      />
    </li>
  );
}

function Broadcasts({ options }: { options: ExportOptions }): JSX.Element {
  const rows = form.value.broadcasts;
  const add = (): void => {
    const key = Math.max(0, ...rows.map((row) => row.key)) + 1;
    change({ broadcasts: [...rows, { key, event: "opened", broadcasts: [] }] });
  };
  return (
    <div class="pick-block" data-place="query.broadcasts">
      {rows.length > 0 && <ul class="broadcasts" aria-label="E-mail filters">{rows.map((row) => <BroadcastRow key={row.key} row={row} options={options} />)}</ul>}
      <button type="button" class="button quiet" onClick={add}><Icon name="plus" size={18} /> Add an e-mail filter</button>
      <FieldProblem place="query.broadcasts" />
    </div>
  );
}

export function Filters({ options }: { options: ExportOptions }): JSX.Element {
  const { profiles, pages } = form.value;
  return (
    <div class="filters">
      <PickList
        name="Profiles" place="query.profiles" none="No filter" chosen={profiles} onChange={(chosen) => change({ profiles: chosen })}
        choices={options.profiles.map(({ id, name, members }) => ({ id, name, note: `${formatCount(members)} members` }))}
      />
      <PickList
        name="Pages" place="query.pages" none="No filter" chosen={pages} choices={pageChoices(options)}
        onChange={(chosen) => change({ pages: chosen })}
      />
      <Questions options={options} />
      <Broadcasts options={options} />
    </div>
  );
}
