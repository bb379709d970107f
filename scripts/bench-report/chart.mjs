// Bars of what is measured in CPU time, as a share of the loop's: Bellwire's and, where it is known, what
// Sockudo takes.

const [LEFT, SCALE, STEP] = [330, 150, 26]
/** Longer bars are cut and say so; the others would vanish beside them. */
const LONGEST = 4

const COLOURS = { Bellwire: "#2f6f9f", Sockudo: "#c9a227" }

export function chart(measured) {
  const shown = measured.filter((row) => row.floor && row.unit === "µs CPU")
  const compared = shown.some((row) => row.sockudo != null)
  const shares = (row) => [
    { share: row.ours / row.floor, colour: COLOURS.Bellwire },
    ...(row.sockudo == null ? [] : [{ share: row.sockudo / row.floor, colour: COLOURS.Sockudo }]),
  ]
  const most = Math.min(LONGEST, Math.max(2, ...shown.flatMap((row) => shares(row).map(({ share }) => share))))
  const width = Math.ceil(LEFT + most * SCALE + 70)
  const step = compared ? STEP + 14 : STEP
  const bars = shown.map((row, at) => group(row.title, shares(row), 34 + at * step, most))
  const height = 44 + shown.length * step + (compared ? 20 : 0)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${LEFT}" y="18">CPU time for the same work, the bare send loop = 1</text>
<line x1="${LEFT + SCALE}" y1="26" x2="${LEFT + SCALE}" y2="${34 + shown.length * step}" stroke="#999" stroke-dasharray="4 3"/>
${bars.join("\n")}
${compared ? legend(height - 18) : ""}
</svg>
`
}

function group(title, shares, y, most) {
  const middle = y + (shares.length * 14) / 2 + 5
  const bars = shares.map(({ share, colour }, at) => {
    const [top, length] = [y + at * 15, Math.min(share, most) * SCALE]
    const says = share > most ? `→ ${share.toFixed(1)}` : share.toFixed(2)
    return `<rect x="${LEFT}" y="${top}" width="${length.toFixed(1)}" height="14" rx="2" fill="${colour}"/>` +
      `<text x="${(LEFT + length + 6).toFixed(1)}" y="${top + 11}">${says}</text>`
  })
  return `<text x="${LEFT - 8}" y="${middle}" text-anchor="end">${title}</text>${bars.join("")}`
}

const legend = (y) =>
  Object.entries(COLOURS)
    .map(([name, colour], at) => `<rect x="${LEFT + at * 110}" y="${y}" width="12" height="12" fill="${colour}"/><text x="${LEFT + 18 + at * 110}" y="${y + 10}">${name}</text>`)
    .join("")
