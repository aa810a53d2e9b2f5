/** The list of the files the user sent before, below the place for a new one. */

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { formatMoment } from "../model/time.ts";
import type { ListedUpload } from "../model/types.ts";
import { formatCount, formatSize } from "../model/words.ts";
import { now } from "../state/clock.ts";
import { zone } from "../state/session.ts";
import { Icon } from "../parts/icons.tsx";
import type { JobForm } from "./job_form.ts";

interface LineProps {
  form: JobForm;
  file: ListedUpload;
}

/** The button that was used stays, and keeps the focus. */
function Actions({ form, file }: LineProps): JSX.Element {
  const { kept } = form;
  const deleted = kept.deleted.value.has(file.id);
  return (
    <>
      {!deleted && (
        <button key="use" type="button" class="button quiet" onClick={() => void form.takeKept(file.id)}>Use<span class="unseen"> {file.name}</span></button>
      )}
      {file.needed ? (
        <span class="small">Needed by a job</span>
      ) : (
        <button key="delete" type="button" class="button quiet" aria-disabled={deleted} onClick={() => void kept.delete(file.id, file.name)}>
          {deleted ? "Deleted" : "Delete"}<span class="unseen"> {file.name}</span>
        </button>
      )}
    </>
  );
}

function Line({ form, file }: LineProps): JSX.Element {
  return (
    <li class="kept-file" data-upload={file.id}>
      <span class="file-words">
        <span class="one-line" title={file.name}>{file.name}</span>
        <span class="small one-line">{formatSize(file.size_bytes)} · sent {formatMoment(new Date(file.created_at), zone.value, now.value)}</span>
      </span>
      <span class="kept-actions"><Actions form={form} file={file} /></span>
    </li>
  );
}

export function KeptFileList({ form }: { form: JobForm }): JSX.Element | null {
  const { kept } = form;
  useEffect(() => void kept.load(), [kept]);
  const files = kept.files.value;
  if (!files || files.items.length === 0) return null;
  return (
    <details class="kept-files" open={kept.shown.value} onToggle={(event) => (kept.shown.value = event.currentTarget.open)}>
      <summary>Files you sent before: {formatCount(kept.count)} of at most {formatCount(files.at_most)}</summary>
      <div role="alert">{kept.problem.value && <p class="problem small-problem"><Icon name="alert" size={16} /> {kept.problem}</p>}</div>
      <ul>{files.items.map((file) => <Line key={file.id} form={form} file={file} />)}</ul>
    </details>
  );
}
