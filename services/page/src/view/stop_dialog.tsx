import { signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { requestStop } from "../api/endpoints.ts";
import { messageOf } from "../api/http.ts";
import type { Job } from "../model/types.ts";
import { formatCount, formatUnits } from "../model/words.ts";
import { jobTypeOf } from "../state/job_types.ts";
import { monitor } from "../state/jobs.ts";
import { announce } from "../state/notices.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Icon } from "../parts/icons.tsx";

const asked = signal<Job | null>(null);

export function askToStop(job: Job): void {
  asked.value = job;
}

function reached(job: Job): string {
  const { done, total, unit } = job.progress;
  const processed = jobTypeOf(job.type)?.form.done ?? "processed";
  if (job.state === "scheduled" || job.state === "queued") return "It has not started: nothing is done yet, and nothing will be.";
  if (total === 0) return `It is still counting: nothing has been ${processed} yet.`;
  const rest = total - done;
  return `So far ${formatCount(done)} of ${formatUnits(total, unit)} have been ${processed}, and stay so. The other ${formatCount(rest)} will be left out, except the few under way.`;
}

function Question({ job }: { job: Job }): JSX.Element {
  const problem = useSignal<string | null>(null);
  const busy = useSignal(false);
  const close = (): void => void (asked.value = null);
  const stop = async (): Promise<void> => {
    if (busy.value) return;
    busy.value = true;
    problem.value = null;
    try {
      await requestStop(job.number);
      announce(`Job ${job.number}: stop requested.`);
      close();
    } catch (error) {
      problem.value = `It goes on. ${messageOf(error)}`;
    } finally {
      busy.value = false;
    }
  };
  const over = !job.can_stop || job.stop_requested;
  const word = job.state === "scheduled" ? "Cancel this job" : "Stop this job";
  return (
    <Dialog title={`${word}?`} onClose={close}>
      <p><strong>{job.reference ?? job.name}</strong> <span class="soft">· job {job.number}</span></p>
      <p>{over ? "It can no longer be stopped: it has ended, or is stopping already." : reached(job)}</p>
      <div role="alert">{problem.value && <p class="problem"><Icon name="alert" size={18} /> {problem}</p>}</div>
      <div class="dialog-actions">
        <button type="button" class="button quiet" autofocus onClick={close}>{over ? "Close" : "Let it run"}</button>
        {!over && (
          <button type="button" class="button danger" aria-disabled={busy} onClick={() => void stop()}>
            {busy.value ? "Stopping…" : word}
          </button>
        )}
      </div>
    </Dialog>
  );
}

/** Asks once, with the numbers of the moment. */
export function StopDialog(): JSX.Element | null {
  if (!asked.value) return null;
  return <Question key={asked.value.id} job={monitor.find(asked.value.id) ?? asked.value} />;
}
