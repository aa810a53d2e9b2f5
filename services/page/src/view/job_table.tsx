import type { JSX } from "preact";
import type { Row } from "../model/rows.ts";
import type { Job, View } from "../model/types.ts";
import { connection } from "../state/connection.ts";
import type { JobList } from "../state/job_list.ts";
import { isSuperAdmin } from "../state/session.ts";
import { Completed, JobName, NumberLink, Results, Started, Stop } from "./cells.tsx";
import { useFocusHandover } from "./focus.ts";
import { TypeIcon } from "../parts/icons.tsx";
import { useSteadiness } from "./steady.ts";

interface Column {
  title: string;
  class: string;
}

/** The help page's names, in its order; a Super Admin sees also whose job it is. */
export function columns(view: View): Column[] {
  return [
    { title: "Type", class: "col-type" },
    { title: "Job#", class: "col-number" },
    { title: "Job Name", class: "col-name" },
    ...(isSuperAdmin.value ? [{ title: "User", class: "col-user" }] : []),
    { title: "Started", class: "col-started" },
    { title: "Completed", class: "col-completed" },
    { title: "Results", class: "col-results" },
    ...(view === "monitor" ? [{ title: "Stop Job", class: "col-stop" }] : []),
  ];
}

function JobRow({ job, view, state }: { job: Job; view: View; state: Row["state"] }): JSX.Element {
  const row = useFocusHandover<HTMLTableRowElement>();
  return (
    <tr ref={row} data-job={job.number} data-state={job.state} data-row={state}>
      <td>
        <span class="type"><TypeIcon type={job.type} /><span class="two-lines" title={job.name}>{job.name}</span></span>
      </td>
      <td><NumberLink job={job} /></td>
      <td><JobName job={job} /></td>
      {isSuperAdmin.value && <td><span class="two-lines" title={job.owner.name}>{job.owner.name}</span></td>}
      <td><Started job={job} /></td>
      <td><Completed job={job} /></td>
      <td><Results job={job} gone={state === "gone"} /></td>
      {view === "monitor" && <td><Stop job={job} /></td>}
    </tr>
  );
}

function Head({ view }: { view: View }): JSX.Element {
  return (
    <thead>
      <tr>{columns(view).map((column) => <th key={column.title} scope="col" class={column.class}>{column.title}</th>)}</tr>
    </thead>
  );
}

export function JobTable({ list, rows }: { list: JobList; rows: Row[] }): JSX.Element {
  const table = useSteadiness<HTMLTableElement>(rows.map((row) => row.job.id).join(), list.edition.value);
  return (
    <div class="card table-card">
      <table ref={table} class="jobs" data-stale={connection.value.state === "lost" || undefined} aria-busy={list.loading.value}>
        <caption class="unseen">{list.view === "monitor" ? "Jobs" : "Old jobs"}, newest first</caption>
        <Head view={list.view} />
        <tbody>
          {rows.map(({ job, state }) => <JobRow key={job.id} job={job} view={list.view} state={state} />)}
        </tbody>
      </table>
    </div>
  );
}

const OUTLINE_ROWS = [0, 1, 2, 3, 4];

/** The table's outline while the first answer is awaited. */
export function TableOutline({ view }: { view: View }): JSX.Element {
  return (
    <div class="card table-card" aria-hidden="true">
      <table class="jobs outline">
        <Head view={view} />
        <tbody>
          {OUTLINE_ROWS.map((row) => (
            <tr key={row}>{columns(view).map((column) => <td key={column.title}><span class="blank" /></td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
