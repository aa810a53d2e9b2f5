/** What the table's cells and the cards' lines hold; the same in both. */

import type { JSX } from "preact";
import { formatTimeLeft, timeLeft } from "../model/pace.ts";
import { formatDay, formatMoment, formatTime, formatWait } from "../model/time.ts";
import type { Job, Result } from "../model/types.ts";
import { endTag, formatCount, formatSize, resultKind, type Tone, waitWords } from "../model/words.ts";
import { now } from "../state/clock.ts";
import { connection } from "../state/connection.ts";
import { download, downloads } from "../state/downloads.ts";
import { paceOf } from "../state/jobs.ts";
import { addressOfJob } from "../state/route.ts";
import { zone } from "../state/session.ts";
import { Icon, Ring } from "../parts/icons.tsx";
import { Link } from "../parts/link.tsx";
import { askToStop } from "./stop_dialog.tsx";

export function Tag({ text, tone }: { text: string; tone: Tone }): JSX.Element {
  return <span class={`tag ${tone}`}>{text}</span>;
}

export function NumberLink({ job }: { job: Job }): JSX.Element {
  return <Link to={addressOfJob(job.number)} class="number" label={`Job ${job.number}, details`}>{job.number}</Link>;
}

export function JobName({ job }: { job: Job }): JSX.Element {
  return (
    <>
      <span class={job.reference ? "one-line" : "two-lines"} title={job.name}>{job.name}</span>
      {job.reference && <span class="small one-line" title={job.reference}>{job.reference}</span>}
    </>
  );
}

/** The start; for a scheduled job the planned one. */
export function Started({ job }: { job: Job }): JSX.Element {
  const known = job.started_at ?? job.scheduled_for;
  if (!known) return <span class="soft"><span aria-hidden="true">—</span><span class="unseen">Not started</span></span>;
  const at = new Date(known);
  return (
    <time dateTime={known} class={job.started_at ? undefined : "soft"}>
      <span class="one-line">{!job.started_at && <span class="unseen">Planned for </span>}{formatDay(at, zone.value)}</span>
      <span class="small one-line">{formatTime(at, zone.value)}</span>
    </time>
  );
}

/** What it waits for instead, where it does: no time left can be told then. No live region: it comes and goes. */
function TimeLeft({ job }: { job: Job }): JSX.Element | null {
  const waits = waitWords(job);
  if (waits) return job.state === "queued" ? null : <span class="time-left" title={waits}>{waits}</span>;
  if (job.state !== "running" || !job.started_at || connection.value.state === "lost") return null;
  const left = timeLeft(job.progress, Date.parse(job.started_at), paceOf(job), now.value.getTime());
  return left && <span class="time-left">{formatTimeLeft(left)}</span>;
}

function progressWords(job: Job): string {
  const { done, total, unit } = job.progress;
  if (job.state === "scheduled") return job.scheduled_for ? `Starts ${formatWait(new Date(job.scheduled_for), now.value)}` : "Scheduled";
  if (job.state === "queued" && job.waits_for) return waitWords(job) ?? "";
  if (job.state === "queued") return job.submitted_at ? `Waiting since ${formatTime(new Date(job.submitted_at), zone.value)}` : "Waiting";
  const counted = total > 0 ? `${formatCount(done)} of ${formatCount(total)} ${unit ?? ""}` : "Counting…";
  return job.state === "stopping" ? `Stopping · ${counted}` : counted;
}

function Bar({ job }: { job: Job }): JSX.Element {
  const { percent } = job.progress;
  return (
    <div class="progress" data-state={job.state}>
      <p class="progress-words">
        <span>{progressWords(job)}</span>
        <TimeLeft job={job} />
      </p>
      <div class="progress-line">
        <div
          class="bar" role="progressbar" aria-label={`Progress of job ${job.number}`}
          aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}
        >
          <div class="bar-done" style={{ transform: `translateX(${percent - 100}%)` }} />
        </div>
        <span class="percent" aria-hidden="true">{percent} %</span>
      </div>
    </div>
  );
}

/** One thing at a time: the bar, or how and when the job ended. */
export function Completed({ job }: { job: Job }): JSX.Element {
  const tag = endTag(job);
  if (!tag) return <Bar job={job} />;
  const ended = job.completed_at && (
    <time class="small" dateTime={job.completed_at}>{formatMoment(new Date(job.completed_at), zone.value, now.value)}</time>
  );
  if (!job.failure) return <div class="ended"><Tag {...tag} />{ended}</div>;
  return (
    <div class="ended failed">
      <span class="tag-line"><Tag {...tag} />{ended}</span>
      <span class="small two-lines" title={job.failure.reason}>{job.failure.reason}</span>
    </div>
  );
}

function expiry(job: Job): string {
  const at = job.result?.expires_at;
  return at ? `Until ${formatDay(new Date(at), zone.value)}` : "";
}

/** What the download's first line says, and its second where that has more to say than the file's kind. */
function downloadWords(job: Job, result: Result): { icon: JSX.Element; word: string; small?: string } {
  const current = downloads.value.get(job.id);
  const of = (received_bytes: number): string => `${Math.floor((100 * received_bytes) / result.size_bytes)} % of ${formatSize(result.size_bytes)}`;
  switch (current?.state) {
    case "running":
      return { icon: <Ring />, word: "On its way", small: of(current.received_bytes) };
    case "waiting":
      return { icon: <Ring />, word: "Trying again", small: of(current.received_bytes) };
    case "failed":
      return { icon: <Icon name="alert" size={16} />, word: "Try again", small: "Failed" };
    case "saved":
      return { icon: <Icon name="check" size={16} />, word: "Downloaded" };
    default:
      return { icon: <Icon name="download" size={16} />, word: result.kind === "report" ? "Report" : "Download" };
  }
}

/** A new tab or a file by the browser's own means is the browser's business. */
function isPlainClick(event: MouseEvent): boolean {
  return event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
}

export function Results({ job, gone = false }: { job: Job; gone?: boolean }): JSX.Element {
  const result = job.result;
  if (!result) return <span class="soft" aria-label="None">—</span>;
  if (result.expired) {
    return <><span class="soft one-line">Expired</span><span class="small one-line">{resultKind(result)}</span></>;
  }
  const left = gone && job.view === "history";
  const { icon, word, small } = left ? { icon: <Icon name="check" size={16} />, word: "Downloaded", small: "In History" } : downloadWords(job, result);
  const current = downloads.value.get(job.id);
  const kind = resultKind(result);
  const click = (event: MouseEvent): void => {
    if (!isPlainClick(event)) return;
    event.preventDefault();
    if (!left) void download(job, result);
  };
  return (
    <a
      class="download" href={result.href} download="" onClick={click} aria-disabled={left || undefined} data-download={current?.state}
      title={current?.state === "failed" ? current.reason : job.view === "history" ? kind : undefined}
    >
      <span class="download-word">{icon} {word}</span>
      <span class="small one-line">
        {small ?? (job.view === "history" ? expiry(job) || kind : kind)}
        <span class="unseen">, job {job.number}</span>
      </span>
    </a>
  );
}

export function Stop({ job }: { job: Job }): JSX.Element | null {
  if (job.state === "stopping" || (job.stop_requested && !endTag(job))) return <span class="small">Stopping…</span>;
  if (!job.can_stop) return null;
  const word = job.state === "scheduled" ? "Cancel" : "Stop";
  return (
    <button type="button" class="stop" aria-haspopup="dialog" onClick={() => askToStop(job)}>
      {word}<span class="unseen"> job {job.number}</span>
    </button>
  );
}
