/** The file to import: chosen or dropped, on its way, there. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Upload } from "../model/types.ts";
import { formatSize, formatUnits } from "../model/words.ts";
import { Icon } from "../parts/icons.tsx";
import { faultOf, FieldProblem } from "./field.tsx";
import { KeptFiles } from "./kept_files.tsx";
import { cancelUpload, takeFile, transfer, type Transfer } from "./import.ts";

const ACCEPTED = ".csv,.xlsx,text/csv,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

function Chooser(): JSX.Element {
  const over = useSignal(false);
  const drag = (event: DragEvent, inside: boolean): void => {
    event.preventDefault();
    over.value = inside;
  };
  const drop = (event: DragEvent): void => {
    drag(event, false);
    const file = event.dataTransfer?.files[0];
    if (file) void takeFile(file);
  };
  const choose = (input: HTMLInputElement): void => {
    const file = input.files?.[0];
    if (file) void takeFile(file);
    // The same file, mended, may be chosen again.
    input.value = "";
  };
  return (
    <div
      class="drop" data-over={over.value || undefined}
      onDragOver={(event) => drag(event, true)} onDragLeave={(event) => drag(event, false)} onDrop={drop}
    >
      <Icon name="upload" size={28} />
      <label class="button quiet">
        Choose a file
        <input class="unseen" type="file" accept={ACCEPTED} {...faultOf("file")} onChange={(event) => choose(event.currentTarget)} />
      </label>
      <p class="small">or drop it here. CSV in UTF-8 or Excel (.xlsx), at most 20 MB, one supporter a row.</p>
    </div>
  );
}

function Sending({ sending }: { sending: Extract<Transfer, { state: "sending" }> }): JSX.Element {
  const { name, size_bytes, sent_bytes } = sending;
  const percent = Math.floor((100 * sent_bytes) / size_bytes);
  const arrived = sent_bytes >= size_bytes;
  return (
    <div class="file-line">
      <div class="progress">
        <p class="file-name one-line">{name}</p>
        <p class="progress-words">{arrived ? "Reading the file…" : `${formatSize(sent_bytes)} of ${formatSize(size_bytes)}`}</p>
        <div class="progress-line">
          <div class="bar" role="progressbar" aria-label={`Upload of ${name}`} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}>
            <div class="bar-done" style={{ transform: `translateX(${percent - 100}%)` }} />
          </div>
          <span class="percent" aria-hidden="true">{percent} %</span>
        </div>
      </div>
      <button type="button" class="button quiet" onClick={cancelUpload}>Cancel<span class="unseen"> the upload</span></button>
    </div>
  );
}

function There({ upload }: { upload: Upload }): JSX.Element {
  return (
    <div class="file-line">
      <span class="type-icon good"><Icon name="check" size={18} /></span>
      <div class="file-words">
        <p class="file-name two-lines" title={upload.name}>{upload.name}</p>
        <p class="small">{formatUnits(upload.rows, "rows")} · {upload.kind.toUpperCase()} · {formatSize(upload.size_bytes)}</p>
      </div>
      <button type="button" class="button quiet" onClick={cancelUpload}>Another file</button>
    </div>
  );
}

/** What replaces a control that had the focus gets it. */
export function FileField(): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const { state } = transfer.value;
  const before = useRef(state);
  useEffect(() => {
    if (before.current === state) return;
    before.current = state;
    if (document.activeElement === document.body) box.current?.querySelector<HTMLElement>("input, button")?.focus({ preventScroll: true });
  }, [state]);
  return (
    <div class="group" data-place="file" ref={box}>
      {transfer.value.state === "none" && <Chooser />}
      {transfer.value.state === "sending" && <Sending sending={transfer.value} />}
      {transfer.value.state === "there" && <There upload={transfer.value.upload} />}
      <div role="alert"><FieldProblem place="file" /></div>
      {transfer.value.state === "none" && <KeptFiles />}
    </div>
  );
}
