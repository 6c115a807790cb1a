import { lazy, Suspense, useEffect, useState } from "react";
import { onFirstToast } from "./notify";

const Toasts = lazy(() => import("./toasts"));

/** Loads the toasts when the first one is shown. */
export function ToastHost() {
  const [wanted, setWanted] = useState(false);
  useEffect(() => onFirstToast(() => setWanted(true)), []);
  return (
    wanted && (
      <Suspense>
        <Toasts />
      </Suspense>
    )
  );
}
