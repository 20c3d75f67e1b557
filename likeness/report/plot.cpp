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
std::string quoted(std::string_view text) {
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
  return quoted(out);
}

/// Shortened at a code point's border.
std::string shortened(const std::string& text, std::size_t longest) {
  if (text.size() <= longest) return text;
  std::size_t end = longest - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

/// What gnuplot draws, and how large in pixels.
struct Drawing {
  std::string script;
  int width = 0;
  int height = 0;
};

/// pngcairo draws in device pixels: twice as many, and everything scaled, for sharp screens.
std::string png_script(const Drawing& drawing) {
  return "set encoding utf8\nset terminal pngcairo noenhanced size " + std::to_string(2 * drawing.width) +
         "," + std::to_string(2 * drawing.height) +
         " fontscale 2 linewidth 2 pointscale 2 font 'DejaVu Sans,10' background '#ffffff'\n" +
         drawing.script;
}

std::string svg_script(const Drawing& drawing) {
  return "set encoding utf8\nset terminal svg noenhanced size " + std::to_string(drawing.width) + "," +
         std::to_string(drawing.height) + " font 'DejaVu Sans,13' background '#ffffff'\n" + drawing.script;
}

std::vector<std::byte> drawn(ChildResult result) {
  if (!result.started) {
    throw Error(ErrorCode::kUnsupported,
                "plots need the program gnuplot, which is not installed (package gnuplot-nox)");
  }
  if (result.status != 0 || result.output.empty()) {
    std::string said = result.errors.substr(0, 300);
    std::replace(said.begin(), said.end(), '\n', ' ');
    throw Error(ErrorCode::kUnsupported, "gnuplot could not draw: " + said);
  }
  return std::move(result.output);
}

std::vector<std::string> gnuplot() { return {"gnuplot", "-d", "-"}; }

Plot draw(const Drawing& drawing) {
  Plot plot;
  plot.png = drawn(run_program(gnuplot(), png_script(drawing)));
  const std::vector<std::byte> svg = drawn(run_program(gnuplot(), svg_script(drawing)));
  plot.svg.assign(reinterpret_cast<const char*>(svg.data()), svg.size());
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
  std::string script = "set " + w + "label " + quoted(axis.label) + " textcolor rgb '#333333'\n";
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

Drawing drawing_of(const ConfusionMatrix& matrix) {
  const std::size_t n = matrix.labels.size();
  if (n == 0 || matrix.counts.size() != n * n)
    throw std::invalid_argument("a confusion matrix is people x people");
  constexpr std::size_t kMostNumbers = 25;  // more would not be readable
  constexpr std::size_t kMostLabels = 60;
  std::string image = "$image << EOD\n";
  std::string texts = "$texts << EOD\n";
  for (std::size_t truth = 0; truth < n; ++truth) {
    std::size_t total = 0;
    for (std::size_t p = 0; p < n; ++p) total += matrix.counts[truth * n + p];
    for (std::size_t p = 0; p < n; ++p) {
      const std::size_t count = matrix.counts[truth * n + p];
      const double share = total == 0 ? 0 : static_cast<double>(count) / static_cast<double>(total);
      const std::string at = std::to_string(p) + " " + std::to_string(truth) + " ";
      image += at + number(share) + "\n";
      if (count > 0)
        texts += at + std::to_string(count) + " " + (share > 0.55 ? "0xffffff" : "0x222222") + "\n";
    }
  }
  std::string script = kFrame + image + "EOD\n" + texts + "EOD\n";
  script +=
      "unset grid\nset border 0\nset tics scale 0\nset palette defined (0 '#f0f5fa', 0.15 '#c6dbef', 0.6 "
      "'#4292c6', 1 "
      "'#08306b')\nset cbrange [0:1]\nunset colorbox\n";
  const std::string end = number(static_cast<double>(n) - 0.5);
  script += "set title " + quoted(matrix.title) + " textcolor rgb '#111111'\nset xrange [-0.5:" + end +
            "]\nset yrange [" + end +
            ":-0.5]\nset xlabel 'named' textcolor rgb '#333333'\nset ylabel 'is' textcolor rgb '#333333'\n";
  std::string tics;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < n && n <= kMostLabels; ++i) {
    const std::string label = shortened(matrix.labels[i], 24);
    tics += (i == 0 ? "" : ", ") + quoted_tic(label) + " " + std::to_string(i);
    longest = std::max(longest, label.size());
  }
  script += "set xtics rotate by -35 left (" + tics + ")\nset ytics (" + tics + ")\n";

  // Margins that fit the names, so that the cells stay square. A letter is about 8 pixels wide.
  const int cell = std::clamp(900 / static_cast<int>(n), 3, 64);
  const int grid = cell * static_cast<int>(n);
  const int names = 8 * static_cast<int>(longest);
  const int left = names + 60, right = std::max(40, names * 4 / 5 - cell / 2), bottom = names * 3 / 5 + 60,
            top = 50;
  const int width = left + grid + right, height = top + grid + bottom;
  const auto margin = [&](const char* side, int pixels, int of) {
    script += std::string("set ") + side + " at screen " + number(static_cast<double>(pixels) / of) + "\n";
  };
  margin("lmargin", left, width);
  margin("rmargin", left + grid, width);
  margin("bmargin", bottom, height);
  margin("tmargin", bottom + grid, height);
  script += "plot $image using 1:2:3 with image notitle";
  if (n <= kMostNumbers) script += ", $texts using 1:2:3:4 with labels textcolor rgb variable notitle";
  return {script + "\n", width, height};
}

}  // namespace

bool can_plot() { return run_program(gnuplot(), "exit\n").started; }

bool has_points(const CurvePlot& plot) {
  return std::any_of(plot.curves.begin(), plot.curves.end(), [&](const Curve& curve) {
    return std::any_of(curve.points.begin(), curve.points.end(), [&](const auto& point) {
      return drawable(point.first, plot.x.scale) && drawable(point.second, plot.y.scale);
    });
  });
}

Plot draw_plot(const CurvePlot& plot) {
  std::string script = kFrame;
  script += "set title " + quoted(plot.title) + " textcolor rgb '#111111'\n";
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
                (curve.name.empty() ? " notitle" : " title " + quoted(curve.name));
  }
  if (commands.empty()) throw Error(ErrorCode::kUnsupported, "nothing to draw in \"" + plot.title + "\"");
  return draw({script + commands + "\n", 760, 520});
}

Plot draw_plot(const ConfusionMatrix& matrix) { return draw(drawing_of(matrix)); }

WaitingPlotter::WaitingPlotter() : gnuplot_(gnuplot()) {}

void WaitingPlotter::start(const ConfusionMatrix& matrix) { gnuplot_.give(png_script(drawing_of(matrix))); }

std::vector<std::byte> WaitingPlotter::png() { return drawn(gnuplot_.finish()); }

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
