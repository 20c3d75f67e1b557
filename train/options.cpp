#include "train/options.h"

#include <string>
#include <vector>

namespace likeness::train {
namespace {

/// An option whose words a function understands.
template <typename Value, typename From>
void add_word_option(CLI::App& command, const std::string& name, Value& value, From from,
                     const std::vector<std::string>& words, const std::string& help) {
  command
      .add_option_function<std::string>(
          name, [&value, from](const std::string& word) { value = *from(word); }, help)
      ->check(CLI::IsMember(words))
      ->default_str(std::string(to_string(value)));
}

}  // namespace

void add_head_options(CLI::App& command, HeadOptions& o) {
  command.add_option("--dimension", o.dimension, "Values of the new embedding")
      ->capture_default_str()
      ->check(CLI::Range(1, 65536));
  command
      .add_option("--noise", o.noise,
                  "Length of the noise added to an embedding (of length 1) when it is learned from")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 100.0));
}

void add_training_options(CLI::App& command, TrainOptions& o) {
  add_word_option(command, "--mining", o.mining, mining_from, {"batch-all", "batch-hard", "semi-hard"},
                  "Which triplets of a batch are learned from");
  command.add_option("--margin", o.margin, "Between squared distances, above 0 and below 4")
      ->capture_default_str()
      ->check(CLI::Range(1e-6, 3.999999));
  command
      .add_option("--spread", o.spread,
                  "Weight of a loss that keeps all directions evenly used, beside the triplets'")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e6));
  command.add_option("--people", o.batch.people, "People in a batch")
      ->capture_default_str()
      ->check(CLI::Range(2, 100000));
  command.add_option("--photos", o.batch.photos, "Photos of each in a batch, at most")
      ->capture_default_str()
      ->check(CLI::Range(2, 10000));
  command
      .add_option("--strangers", o.batch.strangers,
                  "People of only one photo in a batch, who can only be negatives")
      ->capture_default_str()
      ->check(CLI::Range(0, 100000));
  add_word_option(command, "--optimizer", o.optimizer, optimizer_from, {"adagrad", "adam", "sgd"},
                  "sgd has a momentum of 0.9");
  command.add_option("--rate", o.rate, "Learning rate at the start")
      ->capture_default_str()
      ->check(CLI::Range(1e-9, 1e3));
  command.add_option("--decay", o.decay, "Weight decay: how fast the weights at the start are forgotten")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e3));
  add_word_option(command, "--schedule", o.schedule, schedule_from, {"constant", "cosine", "step"},
                  "How the rate falls");
  command.add_option("--epochs", o.epochs, "Times that every person is seen")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  command
      .add_option("--held-out", o.held_out_share,
                  "Share of the people kept apart to judge each epoch; 0: none, and the last epoch counts")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.9));
  command
      .add_option("--patience", o.patience,
                  "Stop after so many epochs without a better judgement; 0: never early")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
}

}  // namespace likeness::train
