#include "likeness/report/plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string_view>

#include "likeness/core/error.h"
#include "likeness/report/child_process.h"

namespace likeness {
namespace {

/// Distinct for the colour-blind; source: Okabe and Ito, "Color universal design" (2008).
constexpr const char* kColors[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                   "#E69F00", "#56B4E9", "#000000"};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

/// A gnuplot string in single quotes, inside which nothing is substituted.
std::string gnuplot_string(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += "''";
    if (c != '\'') out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "'";
}

/// The same for the label of a tic, which gnuplot reads as a format.
std::string quoted_tic(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '%' ? std::string("%%") : std::string(1, c);
  return gnuplot_string(out);
}

std::string run_gnuplot(const std::string& terminal, const std::string& script,
                        std::vector<std::byte>* bytes) {
  const ChildResult result = run_program({"gnuplot", "-d", "-"}, terminal + script);
  if (!result.started) {
    throw Error(ErrorCode::kUnsupported,
                "plots need the program gnuplot, which is not installed (package gnuplot-nox)");
  }
  if (result.status != 0 || result.output.empty()) {
    std::string said = result.errors.substr(0, 300);
    std::replace(said.begin(), said.end(), '\n', ' ');
    throw Error(ErrorCode::kUnsupported, "gnuplot could not draw: " + said);
  }
  if (bytes != nullptr) *bytes = result.output;
  return {reinterpret_cast<const char*>(result.output.data()), result.output.size()};
}

Plot draw(const std::string& script, int width, int height) {
  Plot plot;
  const std::string size = std::to_string(width) + "," + std::to_string(height);
  // pngcairo draws in device pixels: twice as many, and everything scaled, for sharp screens.
  const std::string twice = std::to_string(2 * width) + "," + std::to_string(2 * height);
  run_gnuplot("set encoding utf8\nset terminal pngcairo noenhanced size " + twice +
                  " fontscale 2 linewidth 2 pointscale 2 font 'DejaVu Sans,10' background '#ffffff'\n",
              script, &plot.png);
  plot.svg = run_gnuplot("set encoding utf8\nset terminal svg noenhanced size " + size +
                             " font 'DejaVu Sans,13' background '#ffffff'\n",
                         script, nullptr);
  return plot;
}

/// The inverse of the standard normal's distribution function, by bisection: exact enough for a picture and
/// clear.
double probit(double share) {
  double low = -9, high = 9;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < share ? low : high) = middle;
  }
  return (low + high) / 2;
}

bool drawable(double value, AxisScale scale) {
  if (!std::isfinite(value)) return false;
  if (scale == AxisScale::kLog) return value > 0;
  return scale != AxisScale::kProbit || (value > 0 && value < 1);
}

double on_axis(double value, AxisScale scale) { return scale == AxisScale::kProbit ? probit(value) : value; }

std::string axis_script(char which, const Axis& axis) {
  const std::string w(1, which);
  std::string script = "set " + w + "label " + gnuplot_string(axis.label) + " textcolor rgb '#333333'\n";
  const auto end = [&](const std::optional<double>& value) {
    return value ? number(on_axis(*value, axis.scale)) : std::string("*");
  };
  script += "set " + w + "range [" + end(axis.from) + ":" + end(axis.to) + "]\n";
  if (axis.scale == AxisScale::kLog) script += "set logscale " + w + "\nset format " + w + " '%g'\n";
  if (axis.scale == AxisScale::kProbit) {
    script += "set " + w + "tics (";
    bool first = true;
    for (const double share :
         {0.0001, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.99}) {
      script += (first ? "" : ", ") + quoted_tic(number(share * 100) + " %") + " " + number(probit(share));
      first = false;
    }
    script += ")\n";
  }
  return script;
}

std::string style_of(CurveStyle style, std::size_t index) {
  const std::string color = " rgb '" + std::string(kColors[index % std::size(kColors)]) + "'";
  switch (style) {
    case CurveStyle::kLine:
      return "with lines lw 2 lc" + color;
    case CurveStyle::kDashed:
      return "with lines lw 1.5 dashtype 2 lc rgb '#888888'";
    case CurveStyle::kPoints:
      return "with points pt 7 ps 0.9 lc" + color;
    case CurveStyle::kSteps:
      return "with steps lw 2 lc" + color;
    case CurveStyle::kFilled:
      return "with fillsteps fs transparent solid 0.45 noborder lc" + color;
  }
  return "";
}

constexpr const char* kFrame =
    "set border 3 lc rgb '#666666'\nset tics nomirror out textcolor rgb '#333333'\n"
    "set grid lc rgb '#dddddd' lw 0.7\n";

}  // namespace

bool can_plot() { return run_program({"gnuplot", "-d", "-"}, "exit\n").started; }

bool has_points(const CurvePlot& plot) {
  return std::any_of(plot.curves.begin(), plot.curves.end(), [&](const Curve& curve) {
    return std::any_of(curve.points.begin(), curve.points.end(), [&](const auto& point) {
      return drawable(point.first, plot.x.scale) && drawable(point.second, plot.y.scale);
    });
  });
}

Plot draw_plot(const CurvePlot& plot) {
  std::string script = kFrame;
  script += "set title " + gnuplot_string(plot.title) + " textcolor rgb '#111111'\n";
  script += axis_script('x', plot.x) + axis_script('y', plot.y);
  script += std::string("set key ") + (plot.legend_top ? "top" : "bottom") +
            (plot.legend_left ? " left" : " right") +
            " opaque box lc rgb '#dddddd' textcolor rgb '#333333'\n";
  std::string commands;
  for (std::size_t i = 0; i < plot.curves.size(); ++i) {
    const Curve& curve = plot.curves[i];
    const std::string block = "$curve" + std::to_string(i);
    std::string rows;
    for (const auto& [x, y] : curve.points) {
      if (!drawable(x, plot.x.scale) || !drawable(y, plot.y.scale)) continue;
      rows += number(on_axis(x, plot.x.scale)) + " " + number(on_axis(y, plot.y.scale)) + "\n";
    }
    if (rows.empty()) continue;
    script += block + " << EOD\n" + rows + "EOD\n";
    commands += (commands.empty() ? "plot " : ", ") + block + " using 1:2 " + style_of(curve.style, i) +
                (curve.name.empty() ? " notitle" : " title " + gnuplot_string(curve.name));
  }
  if (commands.empty()) throw Error(ErrorCode::kUnsupported, "nothing to draw in \"" + plot.title + "\"");
  return draw(script + commands + "\n", 760, 520);
}

std::string to_csv(const CurvePlot& plot) {
  std::string csv = "curve,x,y\n";
  for (const Curve& curve : plot.curves) {
    std::string name = "\"";
    for (const char c : curve.name) name += c == '"' ? std::string("\"\"") : std::string(1, c);
    for (const auto& [x, y] : curve.points) csv += name + "\"," + number(x) + "," + number(y) + "\n";
  }
  return csv;
}

}  // namespace likeness
