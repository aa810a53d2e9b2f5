import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { PLACES } from "../form/export_form.ts";
import { FileFields, JobFields } from "../form/export_fields.tsx";
import { Filters } from "../form/filters.tsx";
import { errors, problem, sending } from "../form/sending.ts";
import { IMPORT, IMPORT_ADDRESS } from "../form/import.ts";
import { EXPORT, keepCounting, loadOffer, offer, offerProblem, preview, submit } from "../form/start.ts";
import type { ExportOptions } from "../model/types.ts";
import { formatUnits } from "../model/words.ts";
import { startType } from "../state/route.ts";
import { Icon, TypeIcon } from "../parts/icons.tsx";
import { ImportStart } from "./import_page.tsx";
import { Link } from "../parts/link.tsx";
import { LostConnection } from "./live.tsx";

/** Takes whoever cannot see it to the first field at fault. */
function focusFault(): void {
  const place = PLACES.find((each) => errors.value[each]);
  const block = place && document.querySelector(`[data-place="${place}"]`);
  if (!block) return;
  const control = block.querySelector<HTMLElement>(":is(input, select)[aria-invalid]") ?? block.querySelector<HTMLElement>("summary, input, select, button");
  control?.focus();
}

function PreviewWords(): JSX.Element {
  const current = preview.value;
  switch (current.state) {
    case "counting":
      return <p class="preview soft">Counting…</p>;
    case "unknown":
      return <p class="preview-note">{current.reason}</p>;
    case "counted":
      return (
        <>
          {current.units === 0
            ? <p class="preview-note">Nobody fits these filters: the file will hold its headings only.</p>
            : <p class="preview"><strong>{formatUnits(current.units, current.unit)}</strong> will be exported.</p>}
          {current.warning && <p class="preview-note">{current.warning}</p>}
        </>
      );
  }
}

function Summary(): JSX.Element {
  return (
    <aside class="card summary" aria-label="Your export">
      <div class="summary-words" role="status"><PreviewWords /></div>
      <div role="alert">{problem.value && <p class="problem small-problem"><Icon name="alert" size={16} /> {problem}</p>}</div>
      <button type="submit" class="button primary wide" aria-disabled={sending}>{sending.value ? "Starting…" : "Start export"}</button>
    </aside>
  );
}

function ExportForm({ options }: { options: ExportOptions }): JSX.Element {
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!(await submit())) requestAnimationFrame(focusFault);
  };
  return (
    <form class="start" noValidate onSubmit={(event) => void send(event)}>
      <div class="start-fields">
        <section class="card part" aria-labelledby="part-file">
          <h2 id="part-file">What is in the file</h2>
          <FileFields options={options} />
        </section>
        <section class="card part" aria-labelledby="part-who">
          <h2 id="part-who">Who is in the file</h2>
          <p class="soft">Everybody, unless you choose filters. Supporters must fit each kind of filter you use; within one kind, any of your choices suffices.</p>
          <Filters options={options} />
        </section>
        <section class="card part" aria-labelledby="part-job">
          <h2 id="part-job">Name and start</h2>
          <JobFields />
        </section>
      </div>
      <Summary />
    </form>
  );
}

function Offered(): JSX.Element {
  if (offerProblem.value) {
    return (
      <div class="banner bad" role="alert">
        <Icon name="alert" />
        <p><strong>The form could not be loaded.</strong> {offerProblem}</p>
        <button type="button" class="button quiet" onClick={() => void loadOffer()}>Try again</button>
      </div>
    );
  }
  if (!offer.value) return <div class="card part outline" aria-hidden="true"><span class="blank" /><span class="blank" /><span class="blank" /></div>;
  if (!offer.value.jobType?.may_start) {
    return (
      <div class="card empty">
        <p>Your login may not start exports. An administrator can add that to your permission group.</p>
        <Link to="/" class="button quiet">Go to the job monitor</Link>
      </div>
    );
  }
  return <ExportForm options={offer.value.options} />;
}

function ExportStart(): JSX.Element {
  useEffect(() => {
    void loadOffer();
    return keepCounting();
  }, []);
  return <Offered />;
}

const TYPES: [string, string, string][] = [
  [EXPORT, "User Data Export", "/start"],
  [IMPORT, "User Data Import", IMPORT_ADDRESS],
];

/** What kind of job to start. Each has its own address. */
function TypeChooser({ chosen }: { chosen: string }): JSX.Element {
  return (
    <nav class="start-types" aria-label="Job type">
      {TYPES.map(([type, name, address]) => (
        <Link key={type} to={address} class="start-type" current={type === chosen}><TypeIcon type={type} />{name}</Link>
      ))}
    </nav>
  );
}

export function StartPage(): JSX.Element {
  const chosen = startType.value === IMPORT ? IMPORT : EXPORT;
  return (
    <main id="main">
      <div class="title-line"><h1 tabIndex={-1}>Start a job</h1></div>
      <LostConnection />
      <TypeChooser chosen={chosen} />
      {chosen === IMPORT ? <ImportStart /> : <ExportStart />}
    </main>
  );
}
