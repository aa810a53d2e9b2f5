/** The list of the files the user sent before, below the place for a new one. */

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { formatMoment } from "../model/time.ts";
import type { KeptUpload } from "../model/types.ts";
import { formatCount, formatSize } from "../model/words.ts";
import { now } from "../state/clock.ts";
import { zone } from "../state/session.ts";
import { Icon } from "../parts/icons.tsx";
import { takeKept } from "./import.ts";
import { deletedUploads, deleteKept, keptCount, keptProblem, keptShown, keptUploads, loadKept } from "./kept_files.ts";

/** The button that was used stays, and keeps the focus. */
function Actions({ file }: { file: KeptUpload }): JSX.Element {
  const deleted = deletedUploads.value.has(file.id);
  return (
    <>
      {!deleted && (
        <button key="use" type="button" class="button quiet" onClick={() => void takeKept(file.id)}>Use<span class="unseen"> {file.name}</span></button>
      )}
      {file.needed ? (
        <span class="small">Needed by a job</span>
      ) : (
        <button key="delete" type="button" class="button quiet" aria-disabled={deleted} onClick={() => void deleteKept(file.id, file.name)}>
          {deleted ? "Deleted" : "Delete"}<span class="unseen"> {file.name}</span>
        </button>
      )}
    </>
  );
}

function Line({ file }: { file: KeptUpload }): JSX.Element {
  return (
    <li class="kept-file" data-upload={file.id}>
      <span class="file-words">
        <span class="one-line" title={file.name}>{file.name}</span>
        <span class="small one-line">{formatSize(file.size_bytes)} · sent {formatMoment(new Date(file.created_at), zone.value, now.value)}</span>
      </span>
      <span class="kept-actions"><Actions file={file} /></span>
    </li>
  );
}

export function KeptFiles(): JSX.Element | null {
  useEffect(() => void loadKept(), []);
  const kept = keptUploads.value;
  if (!kept || kept.items.length === 0) return null;
  return (
    <details class="kept-files" open={keptShown.value} onToggle={(event) => (keptShown.value = event.currentTarget.open)}>
      <summary>Files you sent before: {formatCount(keptCount())} of at most {formatCount(kept.at_most)}</summary>
      <div role="alert">{keptProblem.value && <p class="problem small-problem"><Icon name="alert" size={16} /> {keptProblem}</p>}</div>
      <ul>{kept.items.map((file) => <Line key={file.id} file={file} />)}</ul>
    </details>
  );
}
