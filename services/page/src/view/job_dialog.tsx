/** All about one job, over the list: `?job=` in the address. */

import { useSignal, useSignalEffect } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import { loadJob } from "../api/endpoints.ts";
import { messageOf, Problem } from "../api/http.ts";
import { formatDay, formatMoment, formatTimeWithSeconds } from "../model/time.ts";
import { withRelative } from "../model/relatives.ts";
import type { JobDetails, RelatedJob } from "../model/types.ts";
import { formatCount, formatUnits, resultKind, stateWords, stepWords } from "../model/words.ts";
import { now } from "../state/clock.ts";
import { jobTypeOf } from "../state/job_types.ts";
import { lastChanged } from "../state/jobs.ts";
import { addressOfJob, navigate, path, shownJob } from "../state/route.ts";
import { isSuperAdmin, zone } from "../state/session.ts";
import { Completed, Results } from "./cells.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Icon } from "../parts/icons.tsx";
import { Link } from "../parts/link.tsx";

function Moment({ at }: { at: string }): JSX.Element {
  const date = new Date(at);
  return <time dateTime={at}>{formatDay(date, zone.value)}, {formatTimeWithSeconds(date, zone.value)}</time>;
}

function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}

function Related({ job }: { job: RelatedJob }): JSX.Element {
  return (
    <>
      <Link to={addressOfJob(job.number)}>Job {job.number}</Link>
      <span class="small"> {job.reference ?? job.name} · {stateWords(job.state)}</span>
    </>
  );
}

/** The job that started this one, and those it started itself. */
function Family({ job }: { job: JobDetails }): JSX.Element {
  return (
    <>
      {job.parent && <Fact name="Started by"><Related job={job.parent} /></Fact>}
      {job.children.length > 0 && (
        <Fact name="Has started">
          <ul class="related">{job.children.map((child) => <li key={child.id}><Related job={child} /></li>)}</ul>
          {job.more_children && <span class="small fact-note">These are the first {job.children.length}.</span>}
        </Fact>
      )}
    </>
  );
}

/** The good news first. */
function outcomeWords(job: JobDetails): string {
  const words = jobTypeOf(job.type)?.form.outcomes ?? {};
  const outcomes = Object.entries(job.outcomes ?? {}).filter(([, count]) => count > 0);
  outcomes.sort(([one], [other]) => Number(one === "error") - Number(other === "error"));
  return outcomes.map(([name, count]) => `${formatCount(count)} ${words[name] ?? name.replaceAll("_", " ")}`).join(", ");
}

function Facts({ job }: { job: JobDetails }): JSX.Element {
  const outcomes = outcomeWords(job);
  return (
    <dl class="facts">
      <Fact name="Type">{job.name}</Fact>
      {job.reference && <Fact name="Reference">{job.reference}</Fact>}
      {isSuperAdmin.value && <Fact name="User">{job.owner.name}</Fact>}
      <Family job={job} />
      {job.progress.total > 0 && <Fact name="Size">{formatUnits(job.progress.total, job.progress.unit)}</Fact>}
      {outcomes && <Fact name="Outcome">{outcomes}</Fact>}
      {job.result && (
        <>
          <Fact name="Result">
            {job.result.name}
            <span class="small fact-note">
              {resultKind(job.result)}
              {job.result.rows !== null && job.result.kind === "file" && ` · ${formatUnits(job.result.rows, "rows")}`}
            </span>
          </Fact>
          {job.result.expires_at && (
            <Fact name={job.result.expired ? "Expired" : "Expires"}>{formatMoment(new Date(job.result.expires_at), zone.value, now.value)}</Fact>
          )}
        </>
      )}
    </dl>
  );
}

function Timeline({ job }: { job: JobDetails }): JSX.Element {
  const steps = job.timeline.flatMap((step) => {
    const words = stepWords(step);
    return words ? [{ ...step, words }] : [];
  });
  return (
    <ol class="timeline">
      {steps.map((step, index) => <li key={index}><span>{step.words}</span><span class="small"><Moment at={step.at} /></span></li>)}
    </ol>
  );
}

function Details({ job }: { job: JobDetails }): JSX.Element {
  return (
    <>
      <div class="details-state"><Completed job={job} />{job.result && <Results job={job} />}</div>
      {job.failure && <p class="problem"><Icon name="alert" size={18} /> {job.failure.reason}</p>}
      <Facts job={job} />
      <h3>What happened</h3>
      <Timeline job={job} />
    </>
  );
}

/** After a link to a related job nothing has the focus any more: then the new heading does. */
function useFocusOnTitle(): void {
  useEffect(() => {
    const title = document.getElementById("dialog-title");
    if (!title?.closest("dialog")?.open || document.activeElement !== document.body) return;
    title.tabIndex = -1;
    title.focus();
  }, []);
}

function JobDialogContent({ number }: { number: number }): JSX.Element {
  const job = useSignal<JobDetails | null>(null);
  const problem = useSignal<string | null>(null);
  const changed = lastChanged.value?.number === number ? lastChanged.value : null;

  useEffect(() => {
    const request = new AbortController();
    loadJob(number, request.signal).then(
      (found) => (job.value = found),
      (error: unknown) => {
        if (request.signal.aborted) return;
        const unknown = error instanceof Problem && error.status === 404;
        problem.value = unknown ? `There is no job ${number} that you may see.` : messageOf(error);
      },
    );
    return () => request.abort();
    // Ticks of progress come with the stream; only a new state, a wait, or a stop asked for or refused, has a new timeline.
  }, [number, changed?.state, changed?.stop_requested, changed?.waits_for, changed?.view]);

  useSignalEffect(() => {
    const heard = lastChanged.value;
    const known = job.peek();
    if (heard && known) job.value = withRelative(known, heard);
  });
  useFocusOnTitle();

  const current = job.value && changed && changed.sequence >= job.value.sequence ? { ...job.value, ...changed } : job.value;
  return (
    <>
      {problem.value && <p class="problem"><Icon name="alert" size={18} /> {problem}</p>}
      {!current && !problem.value && <div class="outline" aria-label="Loading"><span class="blank" /><span class="blank" /><span class="blank" /></div>}
      {current && <Details job={current} />}
    </>
  );
}

export function JobDialog(): JSX.Element | null {
  const number = shownJob.value;
  if (!number) return null;
  return (
    <Dialog title={`Job ${number}`} onClose={() => navigate(path.value)} wide>
      <JobDialogContent key={number} number={number} />
    </Dialog>
  );
}
