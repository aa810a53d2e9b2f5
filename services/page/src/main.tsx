import { render } from "preact";
import "./state/theme.ts";
import { keepConnected } from "./state/connection.ts";
import { startSession } from "./state/session.ts";
import { App } from "./view/app.tsx";

const root = document.getElementById("page");
if (root) render(<App />, root);
keepConnected();
void startSession();
