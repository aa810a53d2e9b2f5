/** Every kind of control, by the component that shows it. */

import type { JSX } from "preact";
import { ChoiceControl, SelectControl, SwitchControl } from "./choice_controls.tsx";
import { ColumnsControl } from "./column_table.tsx";
import type { Bound } from "./field.tsx";
import { FileControl } from "./file_control.tsx";
import { PickerControl } from "./picker.tsx";
import { RulesControl } from "./rules.tsx";
import { TypedControl } from "./typed_controls.tsx";

export function ControlView(bound: Bound): JSX.Element | null {
  switch (bound.control.kind) {
    case "choice":
      return <ChoiceControl {...bound} />;
    case "select":
      return <SelectControl {...bound} />;
    case "switch":
      return <SwitchControl {...bound} />;
    case "picker":
      return <PickerControl {...bound} />;
    case "rules":
      return <RulesControl {...bound} />;
    case "file":
      return <FileControl {...bound} />;
    case "columns":
      return <ColumnsControl {...bound} />;
    case "text":
    case "number":
    case "money":
    case "date":
    case "datetime":
    case "list":
    case "json":
      return <TypedControl {...bound} />;
  }
}
