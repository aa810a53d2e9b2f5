/** The monitor and the history: the same list with other words around it. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import { formatDay, zoneAbbreviation } from "../model/time.ts";
import type { Filter } from "../model/types.ts";
import { formatCount, formatCounted } from "../model/words.ts";
import { now } from "../state/clock.ts";
import { connection } from "../state/connection.ts";
import type { JobList } from "../state/job_list.ts";
import { counts, history, historyRows, monitor, monitorRows } from "../state/jobs.ts";
import { asTable } from "../state/layout.ts";
import { zone } from "../state/session.ts";
import type { SteadyRows } from "../state/steady_rows.ts";
import { Icon } from "../parts/icons.tsx";
import { CardsOutline, JobCards } from "./job_cards.tsx";
import { JobTable, TableOutline } from "./job_table.tsx";
import { Link } from "../parts/link.tsx";
import { Live, LostConnection } from "./live.tsx";

const SEARCH_DELAY_MS = 250;
const CHIPS: [Filter, string][] = [
  ["all", "All"],
  ["running", "Running"],
  ["scheduled", "Scheduled"],
  ["ready", "Ready to download"],
];

function Chips({ list }: { list: JobList }): JSX.Element {
  return (
    <div class="chips" role="group" aria-label="Show">
      {CHIPS.map(([filter, text]) => (
        <button
          key={filter} type="button" class="chip" aria-pressed={list.filter.value === filter}
          onClick={() => list.choose(filter, list.query.value)}
        >
          {text} {counts.value && <span class="chip-count">{formatCounted(counts.value[filter])}</span>}
        </button>
      ))}
    </div>
  );
}

function Search({ list }: { list: JobList }): JSX.Element {
  const text = useSignal(list.query.value);
  useEffect(() => {
    if (text.value.trim() !== list.query.value) text.value = list.query.value;
  }, [list.query.value]);
  useEffect(() => {
    if (text.value.trim() === list.query.value) return undefined;
    const timer = setTimeout(() => list.choose(list.filter.value, text.value), SEARCH_DELAY_MS);
    return () => clearTimeout(timer);
  }, [text.value]);
  return (
    <label class="search">
      <span class="unseen">Search by Job#, name or type</span>
      <Icon name="search" size={18} />
      <input
        type="search" value={text} placeholder="Search by Job#, name or type" maxLength={100}
        onInput={(event) => (text.value = event.currentTarget.value)}
      />
    </label>
  );
}

/** How far back a search has looked that has not looked at all jobs. */
function SearchedBackTo({ list }: { list: JobList }): JSX.Element | null {
  if (!list.searchedBackTo.value) return null;
  return <> in the jobs back to {formatDay(new Date(list.searchedBackTo.value), zone.value)}</>;
}

function More({ list }: { list: JobList }): JSX.Element {
  const [asked, awaited] = list.searchedBackTo.value ? ["Search older jobs", "Searching…"] : ["Show more", "Loading…"];
  return (
    <button type="button" class="button quiet more" aria-disabled={list.loading.value} onClick={() => void list.loadMore()}>
      {list.loading.value ? awaited : asked}
    </button>
  );
}

function Empty({ list }: { list: JobList }): JSX.Element {
  const narrowed = list.query.value !== "" || list.filter.value !== "all";
  if (narrowed) {
    return (
      <div class="card empty">
        <p>No job fits{list.query.value && <> “{list.query.value}”</>}<SearchedBackTo list={list} />.</p>
        <p class="buttons">
          {list.searchedBackTo.value && <More list={list} />}
          <button type="button" class="button quiet" onClick={() => list.choose("all", "")}>Show all jobs</button>
        </p>
      </div>
    );
  }
  if (list.view === "history") return <div class="card empty"><p>No old jobs yet. A job comes here once its result is downloaded.</p></div>;
  return (
    <div class="card empty">
      <p>No jobs are running or waiting for you.</p>
      <Link to="/start" class="button primary"><Icon name="plus" size={18} /> Start a job</Link>
    </div>
  );
}

function ListProblem({ list }: { list: JobList }): JSX.Element | null {
  if (!list.problem.value || connection.value.state === "lost") return null;
  return (
    <div class="banner bad" role="alert">
      <Icon name="alert" />
      <p>
        <strong>The list could not be loaded.</strong> {list.problem} {list.items.value && "What you see is the list as it was before."}
      </p>
      <button type="button" class="button quiet" onClick={() => void list.load()}>Try again</button>
    </div>
  );
}

function rowsOf(list: JobList): SteadyRows {
  return list === monitor ? monitorRows : historyRows;
}

/** What came in while a hand is on the list; it is shown as soon as the hand rests or goes. */
function Waiting({ list }: { list: JobList }): JSX.Element | null {
  const waiting = rowsOf(list).waiting.value;
  return waiting > 0 ? <span class="waiting-jobs small">{formatCount(waiting)} new {waiting === 1 ? "job" : "jobs"}</span> : null;
}

function Jobs({ list }: { list: JobList }): JSX.Element {
  const rows = rowsOf(list).rows.value;
  if (!rows) return asTable.value ? <TableOutline view={list.view} /> : <CardsOutline />;
  if (rows.length === 0) return <Empty list={list} />;
  return asTable.value ? <JobTable list={list} rows={rows} /> : <JobCards list={list} rows={rows} />;
}

function Foot({ list, children }: { list: JobList; children: ComponentChildren }): JSX.Element | null {
  const shown = list.items.value?.length ?? 0;
  if (shown === 0) return null;
  const jobs = `${formatCount(shown)} ${shown === 1 ? "job" : "jobs"}`;
  const some = list.searchedBackTo.value ? `${jobs} found` : list.more.value ? `${formatCount(shown)} shown` : jobs;
  return (
    <>
      {list.more.value && <More list={list} />}
      <div class="foot small">
        <p>{children}</p>
        <p>{some}<SearchedBackTo list={list} /> · times in {zoneAbbreviation(now.value, zone.value)}</p>
      </div>
    </>
  );
}

/** Loads on each visit; while connecting, the connection does it as soon as it listens. */
function useList(list: JobList): void {
  useEffect(() => {
    if (connection.peek().state !== "connecting") void list.load();
  }, []);
}

export function MonitorPage(): JSX.Element {
  useList(monitor);
  return (
    <main id="main">
      <div class="title-line">
        <h1 tabIndex={-1}>Job monitor</h1>
        <Live />
        <Waiting list={monitor} />
        <Link to="/start" class="button primary start-button">Start a job</Link>
      </div>
      <LostConnection />
      <ListProblem list={monitor} />
      <div class="tools"><Chips list={monitor} /><Search list={monitor} /></div>
      <Jobs list={monitor} />
      <Foot list={monitor}>Downloading a result moves its job to <Link to="/history">History</Link>, where the file stays until it expires.</Foot>
    </main>
  );
}

export function HistoryPage(): JSX.Element {
  useList(history);
  return (
    <main id="main">
      <div class="title-line">
        <h1 tabIndex={-1}>History</h1>
        <Live />
        <Waiting list={history} />
      </div>
      <LostConnection />
      <ListProblem list={history} />
      <div class="tools"><Search list={history} /></div>
      <Jobs list={history} />
      <Foot list={history}>A result can be downloaded again until the day shown.</Foot>
    </main>
  );
}
