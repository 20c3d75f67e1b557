#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace likeness {

/// A drawn plot, ready for a file each.
struct Plot {
  std::vector<std::byte> png;
  std::string svg;
};

enum class CurveStyle {
  kLine,
  kDashed,
  kPoints,
  kSteps,   ///< A staircase through the points.
  kFilled,  ///< A half-transparent area from the points down to zero: histograms.
};

struct Curve {
  std::string name;  ///< In the legend; empty leaves it out.
  std::vector<std::pair<double, double>> points;
  CurveStyle style = CurveStyle::kLine;
};

enum class AxisScale {
  kLinear,
  kLog,
  kProbit,  ///< Normal deviates, as DET plots have them; values in (0, 1), shown as per cent.
};

struct Axis {
  std::string label = {};
  AxisScale scale = AxisScale::kLinear;
  std::optional<double> from = {};  ///< Left open: taken from the data.
  std::optional<double> to = {};
};

/// Curves over two axes. Points outside a logarithmic or probit axis are left out.
struct CurvePlot {
  std::string title = {};
  Axis x = {};
  Axis y = {};
  std::vector<Curve> curves = {};
  bool legend_left = false;  ///< Else on the right.
  bool legend_top = false;   ///< Else at the bottom.
};

/// Drawn by the program gnuplot, started without a shell; texts are data there, never commands.
/// @throws Error kUnsupported where gnuplot is not installed or cannot draw.
[[nodiscard]] Plot draw_plot(const CurvePlot& plot);

/// Whether a point of the plot lies inside its axes: a DET of perfectly separated scores has none.
[[nodiscard]] bool has_points(const CurvePlot& plot);

/// Whether gnuplot is there.
[[nodiscard]] bool can_plot();

/// The points behind a plot as CSV: curve,x,y with a header line. Names are quoted.
[[nodiscard]] std::string to_csv(const CurvePlot& plot);

}  // namespace likeness
