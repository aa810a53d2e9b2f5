/** The form that starts a User Data Import. */

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { Columns } from "../form/import_columns.tsx";
import { FileField } from "../form/import_file.tsx";
import { FormatField, ModeField, PageField, ReferenceField, ResubscribeField } from "../form/import_fields.tsx";
import {
  importForm, importOffer, importOfferProblem, leaveAllTheSame, leavingFor, loadImportOffer, submitImport, transfer, uploaded,
} from "../form/import.ts";
import { errors, problem, sending } from "../form/sending.ts";
import type { ImportOptions } from "../model/types.ts";
import { formatUnits } from "../model/words.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Icon } from "../parts/icons.tsx";
import { Link } from "../parts/link.tsx";

/** Takes whoever cannot see it to the first field at fault. */
function focusFault(): void {
  const blocks = document.querySelectorAll<HTMLElement>("[data-place]");
  const block = [...blocks].find((each) => errors.value[each.dataset["place"] ?? ""]);
  const control = block?.querySelector<HTMLElement>(":is(input, select)[aria-invalid]") ?? block?.querySelector<HTMLElement>("input, select, button");
  control?.focus();
}

function Words(): JSX.Element {
  const upload = uploaded.value;
  if (!upload) return <p class="preview soft">{transfer.value.state === "sending" ? "The file is on its way." : "Choose a file first."}</p>;
  if (upload.rows === 0) return <p class="preview-note">The file has its headings only: there is nothing to import.</p>;
  return <p class="preview"><strong>{formatUnits(upload.rows, "rows")}</strong> will be imported.</p>;
}

function Summary(): JSX.Element {
  return (
    <aside class="card summary" aria-label="Your import">
      <div class="summary-words" role="status"><Words /></div>
      <div role="alert">{problem.value && <p class="problem small-problem"><Icon name="alert" size={16} /> {problem}</p>}</div>
      <button type="submit" class="button primary wide" aria-disabled={sending}>{sending.value ? "Starting…" : "Start import"}</button>
      <p class="small">An import cannot be stopped or undone.</p>
    </aside>
  );
}

function ImportForm({ options }: { options: ImportOptions }): JSX.Element {
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!(await submitImport())) requestAnimationFrame(focusFault);
  };
  const upload = uploaded.value;
  const format = options.formats.find((each) => each.id === importForm.value.format);
  const fits = format !== undefined && !errors.value["format_id"];
  return (
    <form class="start" noValidate onSubmit={(event) => void send(event)}>
      <div class="start-fields">
        <section class="card part" aria-labelledby="part-file">
          <h2 id="part-file">The file</h2>
          <FileField />
        </section>
        {upload && (
          <section class="card part" aria-labelledby="part-columns">
            <h2 id="part-columns">What the columns are</h2>
            <FormatField options={options} />
            {(!format || fits) && <Columns upload={upload} options={options} format={format} />}
          </section>
        )}
        <section class="card part" aria-labelledby="part-how">
          <h2 id="part-how">How it is imported</h2>
          <ModeField />
          <div class="two-columns"><PageField options={options} /><ReferenceField /></div>
          <ResubscribeField />
        </section>
      </div>
      <Summary />
    </form>
  );
}

function Leaving(): JSX.Element | null {
  if (leavingFor.value === null) return null;
  const stay = (): void => void (leavingFor.value = null);
  return (
    <Dialog title="The file is still on its way" onClose={stay}>
      <p>If you leave now, the upload is cancelled and nothing of it is kept.</p>
      <div class="dialog-actions">
        <button type="button" class="button quiet" onClick={leaveAllTheSame}>Cancel the upload and leave</button>
        <button type="button" class="button primary" autofocus onClick={stay}>Stay here</button>
      </div>
    </Dialog>
  );
}

/** A file dropped beside its place would be opened by the browser, in place of the form. */
function keepFromOpening(): () => void {
  const ignore = (event: Event): void => event.preventDefault();
  addEventListener("dragover", ignore);
  addEventListener("drop", ignore);
  return () => {
    removeEventListener("dragover", ignore);
    removeEventListener("drop", ignore);
  };
}

export function ImportStart(): JSX.Element {
  useEffect(() => {
    errors.value = {};
    problem.value = null;
    void loadImportOffer();
    return keepFromOpening();
  }, []);
  if (importOfferProblem.value) {
    return (
      <div class="banner bad" role="alert">
        <Icon name="alert" />
        <p><strong>The form could not be loaded.</strong> {importOfferProblem}</p>
        <button type="button" class="button quiet" onClick={() => void loadImportOffer()}>Try again</button>
      </div>
    );
  }
  if (!importOffer.value) return <div class="card part outline" aria-hidden="true"><span class="blank" /><span class="blank" /><span class="blank" /></div>;
  if (!importOffer.value.jobType?.may_start) {
    return (
      <div class="card empty">
        <p>Your login may not start imports. An administrator can add that to your permission group.</p>
        <Link to="/" class="button quiet">Go to the job monitor</Link>
      </div>
    );
  }
  return <><ImportForm options={importOffer.value.options} /><Leaving /></>;
}
