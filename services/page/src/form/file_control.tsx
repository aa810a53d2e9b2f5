/** The file a job reads: chosen or dropped, on its way, there. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Upload } from "../model/types.ts";
import { formatSize, formatUnits } from "../model/words.ts";
import { Icon } from "../parts/icons.tsx";
import { faultOf, FieldProblem, type Bound } from "./field.tsx";
import type { JobForm } from "./job_form.ts";
import { KeptFileList } from "./kept_file_list.tsx";
import { endingsOf, limitOf, type TransferState } from "./transfer.ts";

/** What browsers offer to choose from. */
function acceptedBy({ jobType }: JobForm): string {
  const rule = jobType.upload;
  return rule ? [...rule.endings.map((ending) => `.${ending}`), ...Object.values(rule.media_types)].join() : "";
}

function Chooser({ form, control, place }: Bound): JSX.Element {
  const over = useSignal(false);
  const rule = form.jobType.upload;
  const drag = (event: DragEvent, inside: boolean): void => {
    event.preventDefault();
    over.value = inside;
  };
  const drop = (event: DragEvent): void => {
    drag(event, false);
    const file = event.dataTransfer?.files[0];
    if (file) void form.takeFile(file);
  };
  const choose = (input: HTMLInputElement): void => {
    const file = input.files?.[0];
    if (file) void form.takeFile(file);
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
        <input class="unseen" type="file" accept={acceptedBy(form)} {...faultOf(form, place)} onChange={(event) => choose(event.currentTarget)} />
      </label>
      <p class="small">or drop it here. {control.help || (rule && `${endingsOf(rule)}, at most ${limitOf(rule)}.`)}{!control.required && " It may be left out."}</p>
    </div>
  );
}

function Sending({ form, sending }: { form: JobForm; sending: Extract<TransferState, { state: "sending" }> }): JSX.Element {
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
      <button type="button" class="button quiet" onClick={() => form.dropFile()}>Cancel<span class="unseen"> the upload</span></button>
    </div>
  );
}

function There({ form, upload }: { form: JobForm; upload: Upload }): JSX.Element {
  const rows = upload.rows > 0 || upload.columns.length > 0 ? [formatUnits(upload.rows, "rows")] : [];
  return (
    <div class="file-line">
      <span class="type-icon good"><Icon name="check" size={18} /></span>
      <div class="file-words">
        <p class="file-name two-lines" title={upload.name}>{upload.name}</p>
        <p class="small">{[...rows, upload.kind.toUpperCase(), formatSize(upload.size_bytes)].join(" · ")}</p>
      </div>
      <button type="button" class="button quiet" onClick={() => form.dropFile()}>Another file</button>
    </div>
  );
}

/** What replaces a control that had the focus gets it. */
export function FileControl(bound: Bound): JSX.Element {
  const { form, place } = bound;
  const box = useRef<HTMLDivElement>(null);
  const transfer = form.transfer.state.value;
  const before = useRef(transfer.state);
  useEffect(() => {
    if (before.current === transfer.state) return;
    before.current = transfer.state;
    if (document.activeElement === document.body) box.current?.querySelector<HTMLElement>("input, button")?.focus({ preventScroll: true });
  }, [transfer.state]);
  return (
    <div class="group" data-place={place} ref={box}>
      {transfer.state === "none" && <Chooser {...bound} />}
      {transfer.state === "sending" && <Sending form={form} sending={transfer} />}
      {transfer.state === "there" && <There form={form} upload={transfer.upload} />}
      <div role="alert"><FieldProblem form={form} place={place} /></div>
      {transfer.state === "none" && <KeptFileList form={form} />}
    </div>
  );
}
