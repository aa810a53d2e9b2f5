/** The list where there is no room for a table: a card per job. */

import type { JSX } from "preact";
import type { Job, View } from "../model/types.ts";
import { connection } from "../state/connection.ts";
import type { JobList } from "../state/job_list.ts";
import { isSuperAdmin } from "../state/session.ts";
import { Completed, NumberLink, Results, Started, Stop } from "./cells.tsx";
import { useFocusHandover } from "./focus.ts";
import { TypeIcon } from "./icons.tsx";

function Card({ job, view, leaving }: { job: Job; view: View; leaving: boolean }): JSX.Element {
  const card = useFocusHandover<HTMLLIElement>();
  return (
    <li ref={card} class={leaving ? "card job-card leaving" : "card job-card"} data-job={job.number} data-state={job.state}>
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
          {job.result && <Results job={job} />}
          {view === "monitor" && <Stop job={job} />}
        </span>
      </div>
    </li>
  );
}

export function JobCards({ list, items }: { list: JobList; items: Job[] }): JSX.Element {
  return (
    <ul class="job-cards" data-stale={connection.value.state === "lost" || undefined} aria-busy={list.loading.value}>
      {items.map((job) => <Card key={job.id} job={job} view={list.view} leaving={list.leaving.value.has(job.id)} />)}
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
