import type { JSX } from "preact";
export function StartPage(): JSX.Element { return <main id="main"><h1>Start a job</h1></main>; }
