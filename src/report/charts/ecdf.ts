import type { EcdfPoint } from "../../stats/ecdf.ts";
import type { CombinationReport } from "../combination.ts";
import { type QuantityName, quantityNames } from "../quantity.ts";
import { element, round } from "../svg/element.ts";
import { type Box, frame, legend, picture } from "../svg/frame.ts";
import { linearScale, logScale, type Scale } from "../svg/scale.ts";
import { axisNs, chartLabel, type Titled } from "./title.ts";

const width = 340;
const height = 264;
const box: Box = { left: 44, top: 60, right: 330, bottom: 220 };

/**
 * Which share of the packets took at most so long: the truth, and each span beside it. A second
 * combination's curves are dotted.
 */
export function ecdfChart(
  { title, detail, combination }: Titled,
  other?: CombinationReport,
  names: readonly QuantityName[] = quantityNames,
): string {
  const curvesOf = (one: CombinationReport, style: string) =>
    names.flatMap((name) => {
      const curve = one.quantities[name]?.ecdf;
      return curve ? [{ name, style, curve }] : [];
    });
  const curves = [...curvesOf(combination, ""), ...(other ? curvesOf(other, " tail") : [])];
  const x = logScale(domain(curves), [box.left, box.right], 6);
  const y = linearScale([0, 1], [box.bottom, box.top], 5);
  return picture(
    width,
    height,
    `Distribution of the times at ${title}`,
    chartLabel(title, detail, box.left),
    legend([...new Set(curves.map(({ name }) => name))], box, 32),
    frame(box, { scale: x, format: axisNs }, { scale: y, format: percent }),
    ...curves.map(({ name, style, curve }) => {
      return element("path", { d: stairs(curve, x, y), class: `line ${name}${style}` });
    }),
  );
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** From the smallest half percent to the largest thousandth of any curve. */
function domain(curves: readonly { readonly curve: readonly EcdfPoint[] }[]): [number, number] {
  const values = (pick: (curve: readonly EcdfPoint[]) => EcdfPoint | undefined) =>
    curves.map(({ curve }) => pick(curve)?.value ?? 1);
  const low = Math.min(...values((curve) => curve.find(({ share }) => share >= 0.005)));
  const high = Math.max(...values((curve) => curve.findLast(({ share }) => share <= 0.999)));
  return [Math.max(1, low * 0.9), Math.max(2, high * 1.1)];
}

/** A step at each value; steps that fall onto the same tenth of a pixel are one. */
function stairs(curve: readonly EcdfPoint[], x: Scale, y: Scale): string {
  let path = `M${round(x.at(curve[0].value))} ${round(y.at(0))}`;
  let lastX = "";
  for (const { value, share } of curve) {
    const atX = round(x.at(value));
    if (atX !== lastX) path += `H${atX}`;
    path += `V${round(y.at(share))}`;
    lastX = atX;
  }
  return `${path}H${round(box.right)}`;
}
