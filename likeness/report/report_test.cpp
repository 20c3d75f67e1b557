#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "likeness/core/error.h"
#include "likeness/report/child_process.h"
#include "likeness/report/html.h"
#include "likeness/report/plot.h"

namespace likeness {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(EscapeHtml, LeavesNoMarkup) {
  EXPECT_EQ(escape_html("<b a=\"x\" b='y'>&\x01"), "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;");
}

TEST(HtmlReport, IsOnePageThatLoadsNothing) {
  HtmlReport report("Run of <photos>", "a & b");
  report.section("Result");
  report.figures(std::vector<Figure>{{"25 of 25", "photos", "86 % to 100 %"}});
  report.table({{"who", "right"}, {{"<script>alert(1)</script>", "12"}, {"bo", "7.5 %"}}, "by person"});
  const std::byte png[] = {std::byte{0x89}, std::byte{'P'}, std::byte{'N'}};
  report.picture(png, "a plot");
  report.cards(std::vector<Card>{{{}, "al taken for bo", {"0.51"}, true}});
  report.notice("one photo could not be read");
  report.code("likeness run photos/");
  const std::string page = report.str();
  EXPECT_TRUE(has(page, "Run of &lt;photos&gt;"));
  EXPECT_FALSE(has(page, "<script"));
  EXPECT_FALSE(has(page, "http"));
  EXPECT_TRUE(has(page, "src=\"data:image/png;base64,iVBO\""));  // base64 of 89 50 4E
  EXPECT_TRUE(has(page, "<td class=\"number\">7.5 %</td>"));
  EXPECT_TRUE(has(page, "<td>bo</td>"));
  EXPECT_TRUE(has(page, "card bad"));
  EXPECT_THROW(report.table({{"a", "b"}, {{"1"}}, ""}), std::invalid_argument);
}

TEST(RunProgram, GivesInputAndTakesOutputWithoutAShell) {
  const std::string input(1 << 20, 'x');
  const ChildResult result = run_program({"cat"}, input);
  EXPECT_TRUE(result.started);
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.output.size(), input.size());
  EXPECT_EQ(run_program({"sh", "-c", "echo no >&2; exit 3"}, "").status, 3);
  EXPECT_EQ(run_program({"sh", "-c", "echo no >&2; exit 3"}, "").errors, "no\n");
  EXPECT_FALSE(run_program({"no-such-program-anywhere"}, "").started);
}

/// Hides every program from posix_spawnp for a while.
class EmptyPath {
 public:
  EmptyPath() { ::setenv("PATH", "/nonexistent", 1); }
  ~EmptyPath() { ::setenv("PATH", old_.c_str(), 1); }

 private:
  const std::string old_ = std::getenv("PATH");
};

TEST(DrawPlot, SaysWhatToInstallWhereGnuplotIsMissing) {
  const EmptyPath hidden;
  EXPECT_FALSE(can_plot());
  try {
    (void)draw_plot({.title = "x", .x = {}, .y = {}, .curves = {{"a", {{0, 0}, {1, 1}}}}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_TRUE(has(error.what(), "gnuplot-nox")) << error.what();
  }
}

/// For looking at: LIKENESS_PLOTS=folder keeps what the tests draw.
void keep(const Plot& plot, const std::string& name) {
  const char* folder = std::getenv("LIKENESS_PLOTS");
  if (folder == nullptr) return;
  std::ofstream(std::string(folder) + "/" + name + ".png", std::ios::binary)
      .write(reinterpret_cast<const char*>(plot.png.data()), static_cast<std::streamsize>(plot.png.size()));
  std::ofstream(std::string(folder) + "/" + name + ".svg") << plot.svg;
}

void expect_drawn(const Plot& plot) {
  ASSERT_GT(plot.png.size(), 4000U);
  EXPECT_EQ(plot.png[1], std::byte{'P'});
  EXPECT_TRUE(has(plot.svg, "<svg"));
}

CurvePlot example() {
  CurvePlot plot{.title = "Who's <first>? `id` $(id)",
                 .x = {"false match rate"},
                 .y = {"true match rate"},
                 .curves = {}};
  Curve curve{"it's `touch /tmp/x` ours", {}};
  for (int i = 0; i <= 100; ++i) curve.points.emplace_back(i / 100.0, 1 - (1 - i / 100.0) * (1 - i / 100.0));
  plot.curves = {curve, {"chance", {{0, 0}, {1, 1}}, CurveStyle::kDashed}};
  return plot;
}

TEST(DrawPlot, DrawsCurvesAsPngAndSvg) {
  if (!can_plot()) GTEST_SKIP() << "no gnuplot";
  const Plot plot = draw_plot(example());
  expect_drawn(plot);
  EXPECT_TRUE(has(plot.svg, "`touch /tmp/x` ours"));  // text, not a command
  keep(plot, "curves");
}

TEST(DrawPlot, DrawsLogarithmicAndProbitAxesWithoutTheirImpossiblePoints) {
  if (!can_plot()) GTEST_SKIP() << "no gnuplot";
  CurvePlot plot = example();
  plot.x = {"FMR", AxisScale::kLog, 0.001, 1};
  expect_drawn(draw_plot(plot));
  plot.x = {"FMR", AxisScale::kProbit, 0.001, 0.5};
  plot.y = {"FNMR", AxisScale::kProbit, 0.001, 0.5};
  for (auto& [x, y] : plot.curves[0].points) y = 1 - y;
  const Plot det = draw_plot(plot);
  expect_drawn(det);
  EXPECT_TRUE(has(det.svg, "0.5 %"));
  keep(det, "det");
  plot.curves = {{"nothing", {{0, 0}, {1, 1}}}};
  EXPECT_THROW((void)draw_plot(plot), Error);
}

TEST(DrawPlot, DrawsHistograms) {
  if (!can_plot()) GTEST_SKIP() << "no gnuplot";
  CurvePlot plot{
      .title = "Scores", .x = {"cosine"}, .y = {"share of pairs"}, .curves = {}, .legend_top = true};
  Curve same{"same person", {}, CurveStyle::kFilled};
  Curve different{"different people", {}, CurveStyle::kFilled};
  for (int i = -10; i <= 20; ++i) {
    different.points.emplace_back(i / 20.0, std::exp(-i * i / 18.0) / 8);
    same.points.emplace_back(i / 20.0, std::exp(-(i - 14) * (i - 14) / 18.0) / 8);
  }
  plot.curves = {different, same};
  const Plot drawn = draw_plot(plot);
  expect_drawn(drawn);
  keep(drawn, "histogram");
}

TEST(HtmlReport, ShowsWhoWasTakenForWhom) {
  const ConfusionMatrix matrix{{"ben_afflek", "Zoë <b>"}, {5, 0, 1, 3}};
  HtmlReport html("T", "");
  html.confusion(matrix);
  const std::string page = html.str();
  EXPECT_TRUE(has(page, "Zoë &lt;b&gt;"));
  EXPECT_FALSE(has(page, "<b>\""));
  // Counts in their cells, shaded by the share of the row; nothing where there is nothing.
  EXPECT_TRUE(has(page, "--share:1\">5</td>"));
  EXPECT_TRUE(has(page, "--share:0.25\">1</td>"));
  EXPECT_TRUE(has(page, "--share:0.75\">3</td>"));
  EXPECT_TRUE(has(page, "--share:0\"></td>"));
  EXPECT_THROW(HtmlReport("T", "").confusion({{"a", "b"}, {1, 2, 3}}), std::invalid_argument);
}

TEST(HtmlReport, ListsConfusionsOfManyPeople) {
  constexpr std::size_t kPeople = 100;
  ConfusionMatrix matrix{{}, std::vector<std::size_t>(kPeople * kPeople)};
  for (std::size_t i = 0; i < kPeople; ++i) {
    matrix.labels.push_back("person " + std::to_string(i));
    matrix.counts[i * kPeople + i] = 3;
  }
  matrix.counts[7 * kPeople + 8] = 2;
  matrix.counts[9 * kPeople + 1] = 1;
  HtmlReport html("T", "");
  html.confusion(matrix);
  const std::string page = html.str();
  EXPECT_TRUE(has(page, "<td>person 7</td><td>person 8</td><td class=\"number\">2</td>"));
  EXPECT_LT(page.find("<td>person 7</td>"), page.find("<td>person 9</td>"));
  EXPECT_FALSE(has(page, "person 50"));  // nobody was taken for somebody else
}

TEST(ToCsv, QuotesNames) {
  const CurvePlot plot{.title = "", .x = {}, .y = {}, .curves = {{"a \"b\", c", {{0.5, 1}}}}};
  EXPECT_EQ(to_csv(plot), "curve,x,y\n\"a \"\"b\"\", c\",0.5,1\n");
}

}  // namespace
}  // namespace likeness
