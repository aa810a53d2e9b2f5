/** Where jobs are started: the types there are, and the form of one of them. */

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { formOf, leaveAllTheSame, leavingFor, showForm } from "../form/forms.ts";
import { JobFormView } from "../form/job_form_view.tsx";
import type { JobType } from "../model/types.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Icon, TypeIcon } from "../parts/icons.tsx";
import { Link } from "../parts/link.tsx";
import { jobTypes, jobTypesProblem, refreshJobTypes, typeToStart } from "../state/job_types.ts";
import { startType } from "../state/route.ts";
import { LostConnection } from "./live.tsx";

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

function LoadProblem({ problem, tryAgain }: { problem: string; tryAgain: () => void }): JSX.Element {
  return (
    <div class="banner bad" role="alert">
      <Icon name="alert" />
      <p><strong>The form could not be loaded.</strong> {problem}</p>
      <button type="button" class="button quiet" onClick={tryAgain}>Try again</button>
    </div>
  );
}

function Outline(): JSX.Element {
  return <div class="card part outline" aria-hidden="true"><span class="blank" /><span class="blank" /><span class="blank" /></div>;
}

function NotPermitted({ jobType }: { jobType: JobType }): JSX.Element {
  return (
    <div class="card empty">
      <p>Your login may not start {jobType.form.jobs}. An administrator can add that to your permission group.</p>
      <Link to="/" class="button quiet">Go to the job monitor</Link>
    </div>
  );
}

function StartForm({ jobType }: { jobType: JobType }): JSX.Element {
  const form = formOf(jobType);
  useEffect(() => {
    void form.load();
    return showForm(form);
  }, [form]);
  if (form.loadProblem.value) return <LoadProblem problem={form.loadProblem.value} tryAgain={() => void form.load()} />;
  return form.options.value ? <JobFormView form={form} /> : <Outline />;
}

/** What kind of job to start. Each has its own address. */
function TypeChooser({ chosen }: { chosen: JobType }): JSX.Element {
  return (
    <nav class="start-types" aria-label="Job type">
      {jobTypes.value?.map(({ type, name }) => (
        <Link key={type} to={`/start?type=${type}`} class="start-type" current={type === chosen.type}><TypeIcon type={type} />{name}</Link>
      ))}
    </nav>
  );
}

function Offered(): JSX.Element {
  const chosen = typeToStart(startType.value);
  if (!chosen && jobTypesProblem.value) return <LoadProblem problem={jobTypesProblem.value} tryAgain={() => void refreshJobTypes()} />;
  if (!chosen) return jobTypes.value ? <div class="card empty"><p>No job types are installed.</p></div> : <Outline />;
  return (
    <>
      <TypeChooser chosen={chosen} />
      {chosen.may_start ? <StartForm key={chosen.type} jobType={chosen} /> : <NotPermitted jobType={chosen} />}
    </>
  );
}

export function StartPage(): JSX.Element {
  useEffect(() => {
    // Else they are on their way already.
    if (jobTypes.value || jobTypesProblem.value) void refreshJobTypes();
    return keepFromOpening();
  }, []);
  return (
    <main id="main">
      <div class="title-line"><h1 tabIndex={-1}>Start a job</h1></div>
      <LostConnection />
      <Offered />
      <Leaving />
    </main>
  );
}
