import { everyMinute, type Minute } from "./minutes";
import classes from "./Spark.module.css";
import { useNow } from "./useNow";

const HEIGHT = 32;
const STEP = 3;

/** The last hour, a bar a minute: what was accepted, and on top what failed. */
export function Spark({ bars: told, label }: { bars: Minute[]; label: string }) {
  const bars = everyMinute(told, useNow(30_000));
  const most = Math.max(1, ...bars.map((bar) => bar.accepted + bar.failed));
  const tall = (n: number) => (n === 0 ? 0 : Math.max(1.5, (n / most) * (HEIGHT - 2)));
  const width = bars.length * STEP;
  return (
    <svg className={classes.spark} viewBox={`0 0 ${width} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <line x1="0" x2={width} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} className={classes.ground} />
      {bars.map((bar, i) => (
        <g key={i}>
          <rect className={classes.accepted} x={i * STEP} width={2} y={HEIGHT - tall(bar.accepted)} height={tall(bar.accepted)} />
          <rect
            className={classes.failed}
            x={i * STEP}
            width={2}
            y={HEIGHT - tall(bar.accepted) - tall(bar.failed)}
            height={tall(bar.failed)}
          />
        </g>
      ))}
    </svg>
  );
}
