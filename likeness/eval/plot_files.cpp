#include "likeness/eval/plot_files.h"

#include "likeness/core/atomic_file.h"
#include "likeness/core/output.h"

namespace likeness {

std::vector<std::pair<std::string, Plot>> write_plots(const std::filesystem::path& folder,
                                                      const NamedPlots& plots) {
  OutputFolder output(folder);
  const bool drawing = can_plot();
  std::vector<std::pair<std::string, Plot>> drawn;
  for (const auto& [name, plot] : plots) {
    write_file(folder / (name + ".csv"), std::string_view(to_csv(plot)));
    if (!drawing || !has_points(plot)) continue;
    drawn.emplace_back(plot.title, draw_plot(plot));
    write_file(output.file(name + ".png"), std::span<const std::byte>(drawn.back().second.png));
    write_file(folder / (name + ".svg"), std::string_view(drawn.back().second.svg));
  }
  return drawn;
}

}  // namespace likeness
