#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "likeness/report/plot.h"

namespace likeness {

/// Plots by the name of their files.
using NamedPlots = std::vector<std::pair<std::string, CurvePlot>>;

/// Makes `folder` and writes NAME.csv and, where gnuplot is there, NAME.png and NAME.svg for every plot.
/// @returns what was drawn, by title; nothing without gnuplot, nor of a plot without points (has_points()).
/// @throws Error kOutputUnwritable.
std::vector<std::pair<std::string, Plot>> write_plots(const std::filesystem::path& folder,
                                                      const NamedPlots& plots);

}  // namespace likeness
