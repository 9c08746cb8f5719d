# Makes a table of the lines that benchmarks print:
#   ratio <name> <ours_ns> <baseline_ns> <ratio> [target <relation> <value>]
#   figure <name> <value> <unit> [target <relation> <value>]
# -v form=text: aligned columns; -v form=markdown.

function time_text(ns) {
  if (ns >= 1e9) return digits(ns / 1e9) " s"
  if (ns >= 1e6) return digits(ns / 1e6) " ms"
  if (ns >= 1e3) return digits(ns / 1e3) " us"
  return digits(ns) " ns"
}

function digits(value,    size) {
  size = value < 0 ? -value : value
  if (value == int(value) && size < 1e15) return sprintf("%d", value)
  if (size >= 100) return sprintf("%.0f", value)
  if (size >= 10) return sprintf("%.1f", value)
  if (size >= 0.1) return sprintf("%.2f", value)
  return sprintf("%.4f", value)
}

function met(value, relation, target) {
  if (value == "failed") return "no"
  if (relation == "<=") return value + 0 <= target + 0 ? "yes" : "no"
  if (relation == ">=") return value + 0 >= target + 0 ? "yes" : "no"
  return "?"
}

# The words from `at` on are a target, or there are none.
function add(name, ours, baseline, ratio, value, at) {
  rows++
  cell[rows, 1] = name
  cell[rows, 2] = ours
  cell[rows, 3] = baseline
  cell[rows, 4] = ratio
  cell[rows, 5] = $at == "target" ? $(at + 1) " " $(at + 2) : "-"
  cell[rows, 6] = $at == "target" ? met(value, $(at + 1), $(at + 2)) : "-"
}

function line(row,    column, text, gap) {
  text = form == "markdown" ? "|" : ""
  for (column = 1; column <= 6; column++) {
    if (form == "markdown") {
      text = text " " cell[row, column] " |"
      continue
    }
    gap = sprintf("%*s", width[column] - length(cell[row, column]), "")
    text = text (column == 1 ? cell[row, column] gap : "  " gap cell[row, column])
  }
  return text
}

BEGIN {
  if (form == "") form = "text"
  split(form == "markdown" ? "what,ours,baseline,ratio,target,met" : "WHAT,OURS,BASELINE,RATIO,TARGET,MET",
        heads, ",")
  rows = 0
  for (column = 1; column <= 6; column++) cell[0, column] = heads[column]
}

$1 == "ratio" && NF >= 5 { add($2, time_text($3), time_text($4), digits($5), $5, 6) }
$1 == "figure" && $3 == "failed" { add($2, "failed", "-", "-", "failed", 5) }
$1 == "figure" && $3 != "failed" && NF >= 4 {
  unit = $4
  gsub("_", " ", unit)
  add($2, digits($3) " " unit, "-", "-", $3, 5)
}

END {
  for (row = 0; row <= rows; row++) {
    for (column = 1; column <= 6; column++) {
      if (length(cell[row, column]) > width[column]) width[column] = length(cell[row, column])
    }
  }
  for (row = 0; row <= rows; row++) {
    print line(row)
    if (row == 0 && form == "markdown") print "|---|--:|--:|--:|--:|---|"
  }
}
