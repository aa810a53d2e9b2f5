/** The list where there is no room for a table: a card per job. */

import type { JSX } from "preact";
import type { Row } from "../model/rows.ts";
import type { Job, View } from "../model/types.ts";
import { connection } from "../state/connection.ts";
import type { JobList } from "../state/job_list.ts";
import { isSuperAdmin } from "../state/session.ts";
import { Completed, NumberLink, Results, Started, Stop } from "./cells.tsx";
import { useFocusHandover } from "./focus.ts";
import { TypeIcon } from "../parts/icons.tsx";
import { useSteadiness } from "./steady.ts";

function Card({ job, view, state }: { job: Job; view: View; state: Row["state"] }): JSX.Element {
  const card = useFocusHandover<HTMLLIElement>();
  return (
    <li ref={card} class="card job-card" data-job={job.number} data-state={job.state} data-row={state}>
      <div class="job-card-head">
        <TypeIcon type={job.type} />
        <span class="job-card-name">
          <span class="one-line">{job.name}</span>
          {(job.reference || isSuperAdmin.value) && (
            <span class="small one-line">{[job.reference, isSuperAdmin.value && job.owner.name].filter(Boolean).join(" · ")}</span>
          )}
        </span>
        <NumberLink job={job} />
      </div>
      <Completed job={job} />
      <div class="job-card-foot">
        {job.started_at || job.scheduled_for ? <Started job={job} /> : <span class="small">Not started yet</span>}
        <span class="job-card-actions">
          {job.result && <Results job={job} gone={state === "gone"} />}
          {view === "monitor" && <Stop job={job} />}
        </span>
      </div>
    </li>
  );
}

export function JobCards({ list, rows }: { list: JobList; rows: Row[] }): JSX.Element {
  const cards = useSteadiness<HTMLUListElement>(rows.map((row) => row.job.id).join(), list.edition.value);
  return (
    <ul ref={cards} class="job-cards" data-stale={connection.value.state === "lost" || undefined} aria-busy={list.loading.value}>
      {rows.map(({ job, state }) => <Card key={job.id} job={job} view={list.view} state={state} />)}
    </ul>
  );
}

export function CardsOutline(): JSX.Element {
  return (
    <ul class="job-cards outline" aria-hidden="true">
      {[0, 1, 2].map((card) => <li key={card} class="card job-card"><span class="blank" /><span class="blank" /><span class="blank" /></li>)}
    </ul>
  );
}
