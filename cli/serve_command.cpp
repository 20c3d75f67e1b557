#include <pthread.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <exception>
#include <fstream>
#include <iostream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/gallery_options.h"
#include "cli/options.h"
#include "cli/serve_sources.h"
#include "likeness/core/error.h"
#include "likeness/gallery/open.h"
#include "likeness/gallery/vault.h"
#include "likeness/report/numbers.h"
#include "serve/beast_server.h"
#include "serve/compat/compat_protocol.h"
#include "serve/import/ask.h"
#include "serve/service.h"

namespace likeness::cli {
namespace {

struct ServeArgs {
  ModelOptions models;
  std::vector<std::string> galleries;  ///< FILE or NAME=FILE
  std::optional<std::filesystem::path> key_file;
  std::string shard;                ///< K/N
  std::vector<std::string> shards;  ///< URLs, 0/N first
  std::filesystem::path shards_key;
  serve::HttpOptions http;
  std::filesystem::path certificate;
  std::filesystem::path certificate_key;
  std::filesystem::path keys;
  std::filesystem::path audit;
  int keep_seen_days = 0;
  bool keep_crops = false;
  std::filesystem::path backups;
  std::size_t queue = 64;
  std::size_t requests_a_key = 16;  ///< Of a shard, whose one key is everybody's, as many as may wait.
  std::string webhook;
  std::filesystem::path webhook_secret;
  int patience_s = 30;
  bool no_page = false;
  bool quiet = false;
  bool check = false;
  std::filesystem::path config;
  serve::CompatOptions compat;
  std::string compreface_scale = "published";
  SourceArgs sources;
};

serve::GallerySource gallery_source(const std::string& given) {
  const std::size_t equals = given.find('=');
  // An address of a server may hold more of them.
  if (equals == std::string::npos || given.find("://") < equals) return {"default", given};
  serve::GallerySource source{given.substr(0, equals), given.substr(equals + 1)};
  if (source.name.empty() || source.name.size() > 100 || source.uri.empty())
    throw std::invalid_argument("--gallery " + given +
                                ": write FILE, or NAME=FILE with a name of 1 to 100 bytes");
  return source;
}

/// "1/4": the second of four.
Shard shard_from(const std::string& given) {
  const auto wrong = [&] {
    return std::invalid_argument("--shard " + given + ": write K/N, from 0/N to (N - 1)/N; N is 2 to 1000");
  };
  Shard shard;
  const char* end = given.data() + given.size();
  const auto number = std::from_chars(given.data(), end, shard.number);
  if (number.ec != std::errc() || number.ptr == end || *number.ptr != '/') throw wrong();
  const auto of = std::from_chars(number.ptr + 1, end, shard.of);
  if (of.ec != std::errc() || of.ptr != end || shard.of < 2 || shard.of > 1000 || shard.number >= shard.of)
    throw wrong();
  return shard;
}

/// Which faces are held here, and who holds the others.
void add_shards(const ServeArgs& args, serve::ServiceOptions& options) {
  if (!args.shards_key.empty() && args.shards.empty())
    throw std::invalid_argument("--shards-key needs --shards");
  if (args.shard.empty() && args.shards.empty()) return;
  const std::string what = args.shard.empty() ? "--shards" : "--shard";
  if (!args.shard.empty() && !args.shards.empty())
    throw std::invalid_argument("--shard holds faces, --shards asks those who do: give one of them");
  for (const serve::GallerySource& gallery : options.galleries) {
    if (!at_server(gallery.uri))
      throw std::invalid_argument(what + " needs galleries in a database, postgresql://..., not " +
                                  gallery.uri);
  }
  if (args.shard.empty()) {
    if (args.shards.size() < 2)
      throw std::invalid_argument(
          "--shards needs two addresses or more: one service that holds all faces is asked itself");
    options.shards.send = serve::send;
    for (const std::string& url : args.shards) {
      try {
        options.shards.urls.push_back(serve::checked_address(url));
      } catch (const std::invalid_argument& error) {
        throw std::invalid_argument(std::string("--shards: ") + error.what());
      }
    }
    if (!args.shards_key.empty()) options.shards.key = first_line(args.shards_key);
    return;
  }
  if (!args.compat.protocols.empty() || !args.sources.folders.empty() || !args.sources.snapshots.empty())
    throw std::invalid_argument(
        "--shard answers no searches: give other protocols and sources of photos to "
        "the service that is started with --shards");
  options.gallery_options.shard = shard_from(args.shard);
}

bool is_loopback(const std::string& address) { return address.rfind("127.", 0) == 0 || address == "::1"; }

serve::CompatOptions compat_options(const ServeArgs& args) {
  serve::CompatOptions compat = args.compat;
  if (args.compreface_scale == "calibrated") compat.compreface_scale = serve::CompreFaceScale::kCalibrated;
  const auto& spoken = compat.protocols;
  if (!compat.immich_upstream.empty() && std::find(spoken.begin(), spoken.end(), "immich") == spoken.end())
    throw std::invalid_argument("--immich-upstream needs --compat immich");
  compat.forward = [](const std::string& url, const serve::Fields& headers, const std::string& body) {
    return serve::forward(url, headers, body, std::chrono::seconds(50));
  };
  return compat;
}

/// Unless --model says otherwise that of the first gallery that is there already: one service has one model.
ModelOptions models_served(const ServeArgs& args, const serve::ServiceOptions& options) {
  for (const serve::GallerySource& gallery : options.galleries) {
    if (args.models.model_given || !gallery_exists(gallery.uri)) continue;
    GalleryOptions read = options.gallery_options;
    read.read_only = true;
    return models_for(open_gallery(gallery.uri, read).store().space(), args.models);
  }
  return args.models;
}

serve::ServiceOptions service_options(const ServeArgs& args) {
  if (args.keys.empty() && !is_loopback(args.http.address))
    throw std::invalid_argument(
        "--address " + args.http.address +
        " can be reached by others: make keys with `likeness key add`, and say --keys FILE");
  serve::ServiceOptions options;
  for (const std::string& gallery : args.galleries) options.galleries.push_back(gallery_source(gallery));
  options.gallery_options = gallery_options(gallery_passphrase(args.key_file));
  add_shards(args, options);
  options.models = models_served(args, options);
  if (!args.keys.empty()) options.keys = args.keys;
  options.audit = args.audit;
  options.keep_seen_days = args.keep_seen_days;
  options.keep_crops = args.keep_crops;
  std::error_code ignored;
  if (!args.backups.empty() && !std::filesystem::is_directory(args.backups, ignored))
    throw Error(ErrorCode::kOutputUnwritable,
                "--backups " + args.backups.string() + ": there is no such folder");
  options.backups = args.backups;
  if (!args.no_page) options.files = serve::page_files();
  options.compat = compat_options(args);
  options.most_waiting = args.queue;
  // Fronts ask a shard for everybody, with one key: what it takes is bounded by its queue.
  options.requests_a_key = args.shard.empty() ? args.requests_a_key : std::numeric_limits<std::size_t>::max();
  if (!args.quiet)
    options.log = [](const nlohmann::ordered_json& line) {
      std::cerr << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    };
  return options;
}

void tell_where(const ServeArgs& args, const serve::Service& service, std::uint16_t port,
                const PreparedSources& sources) {
  const bool v6 = args.http.address.find(':') != std::string::npos;
  std::cerr << "likeness: " << (args.check ? "would listen" : "listening") << " on "
            << (args.http.tls ? "https" : "http") << "://" << (v6 ? "[" : "") << args.http.address
            << (v6 ? "]" : "") << ":" << port << ", "
            << (args.keys.empty() ? "without keys" : "keys in " + args.keys.string());
  for (const auto& served : service.galleries()) {
    const auto view = served->last_view();
    std::cerr << "; gallery " << served->name << " (" << served->gallery->store().name()
              << "): " << counted(view->people(), "person") << ", " << counted(view->faces(), "face");
  }
  if (!args.shard.empty()) std::cerr << "; shard " << args.shard << " of the faces";
  if (!args.shards.empty()) std::cerr << "; asks " << counted(args.shards.size(), "shard");
  for (const std::string& words : sources.words()) std::cerr << "; " << words;
  std::cerr << std::endl;
}

/// Serves on a thread of its own until SIGTERM or SIGINT comes; `signals` are blocked in all threads.
void serve_until_told(serve::HttpServer& server, serve::Service& service, const sigset_t& signals,
                      std::chrono::milliseconds patience) {
  std::exception_ptr failure;
  std::thread running([&] {
    try {
      server.run();
    } catch (...) {
      failure = std::current_exception();
      ::kill(::getpid(), SIGTERM);
    }
  });
  int signal = 0;
  ::sigwait(&signals, &signal);
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);  // a second one ends the program at once
  std::cerr << "likeness: stopping; what is under way is finished first" << std::endl;
  service.begin_stop();
  server.stop(patience);
  running.join();
  if (failure) std::rethrow_exception(failure);
}

Exit serve(ServeArgs args) {
  if (args.certificate.empty() != args.certificate_key.empty())
    throw std::invalid_argument("--tls-certificate and --tls-key go together");
  if (!args.certificate.empty()) args.http.tls = serve::TlsFiles{args.certificate, args.certificate_key};
  if (args.webhook.empty() != args.webhook_secret.empty())
    throw std::invalid_argument("--webhook and --webhook-secret go together");

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before there are threads: they inherit it
  std::signal(SIGPIPE, SIG_IGN);

  // One service in front asks with one key, from one address.
  if (!args.shard.empty()) args.http.limits.connections_an_address = args.http.limits.connections;
  const serve::ServiceOptions options = service_options(args);
  PreparedSources sources(args.sources, options.galleries);
  serve::Service service(options);
  if (!args.webhook.empty()) {
    // The service owns it: requests that outlive the server's patience may still have something to tell.
    const auto webhook = std::make_shared<serve::Webhook>(
        serve::Webhook::Options{args.webhook, first_line(args.webhook_secret)},
        [](const std::string& url, const serve::Fields& headers, const std::string& body) {
          return serve::post(url, headers, body, std::chrono::seconds(10));
        },
        [&service] { service.metrics().count_event_lost(); });
    service.events().add_hook([webhook](const serve::Event& event) { webhook->send(event); });
  }
  serve::HttpServer server(args.http, service);
  tell_where(args, service, server.port(), sources);
  if (args.check) return Exit::kDone;
  sources.start_mqtt(service);
  const auto photos = sources.start_photos(service);
  serve_until_told(server, service, signals, std::chrono::seconds(args.patience_s));
  return Exit::kDone;
}

/// Fills options that were not given from a file of `name = value` lines.
void read_config(CLI::App& command, const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw Error(ErrorCode::kInputUnreadable, "cannot read " + file.string());
  std::vector<CLI::ConfigItem> items;
  try {
    items = CLI::ConfigINI().from_config(in);
  } catch (const CLI::Error& error) {
    throw std::invalid_argument(file.string() + ": " + error.what());
  }
  for (const CLI::ConfigItem& item : items) {
    if (item.name == "++" || item.name == "--") continue;  // a section begins or ends
    CLI::Option* option = command.get_option_no_throw("--" + item.name);
    if (option == nullptr || item.name == "config" || item.name == "check" || item.name == "help")
      throw std::invalid_argument(file.string() + ": " + item.name + " is no option of `likeness serve`");
    if (option->count() > 0) continue;  // the command line goes first
    try {
      const bool flag = option->get_items_expected_max() == 0;
      if (flag && (item.inputs.empty() || item.inputs.front() != "true")) continue;
      option->add_result(item.inputs);
      option->run_callback();
    } catch (const CLI::Error& error) {
      throw std::invalid_argument(file.string() + ": " + item.name + ": " + error.what());
    }
  }
}

void add_net_options(CLI::App& command, ServeArgs& args) {
  command
      .add_option("--address", args.http.address,
                  "Where to listen; others than 127.0.0.1 and ::1 need --keys")
      ->envname("LIKENESS_SERVE_ADDRESS")
      ->capture_default_str();
  command.add_option("--port", args.http.port, "Where to listen; 0: any that is free")
      ->envname("LIKENESS_SERVE_PORT")
      ->capture_default_str();
  command.add_option("--keys", args.keys, "File of keys (`likeness key add`): every request then needs one")
      ->envname("LIKENESS_SERVE_KEYS");
  command
      .add_option("--tls-certificate", args.certificate,
                  "Certificate in PEM, with its chain: https is spoken")
      ->envname("LIKENESS_SERVE_TLS_CERTIFICATE");
  command.add_option("--tls-key", args.certificate_key, "Its private key in PEM")
      ->envname("LIKENESS_SERVE_TLS_KEY");
  command.add_flag("--no-page", args.no_page, "Serve the API alone, without the page at /")
      ->envname("LIKENESS_SERVE_NO_PAGE");
  command.add_option("--webhook", args.webhook, "Post each event to this http:// or https:// address")
      ->envname("LIKENESS_SERVE_WEBHOOK");
  command
      .add_option("--webhook-secret", args.webhook_secret, "File whose first line signs them (HMAC-SHA256)")
      ->envname("LIKENESS_SERVE_WEBHOOK_SECRET");
}

void add_shard_options(CLI::App& command, ServeArgs& args) {
  command
      .add_option(
          "--shard", args.shard,
          "K/N: hold only the faces whose id modulo N is K, for a service that is started with --shards")
      ->envname("LIKENESS_SERVE_SHARD");
  command
      .add_option("--shards", args.shards,
                  "Hold no faces, and ask the services that hold shards 0/N, 1/N, ..., by commas: "
                  "http://HOST:PORT,http://HOST:PORT")
      ->envname("LIKENESS_SERVE_SHARDS")
      ->delimiter(',');
  command
      .add_option("--shards-key", args.shards_key,
                  "File whose first line is the key for all of them; it needs the right administer")
      ->envname("LIKENESS_SERVE_SHARDS_KEY");
}

void add_keeping_options(CLI::App& command, ServeArgs& args) {
  command
      .add_option(
          "--keep-seen", args.keep_seen_days,
          "Days for which faces that stay without a name are kept, in groups, for review; 0: not at all")
      ->envname("LIKENESS_SERVE_KEEP_SEEN")
      ->check(CLI::Range(0, 36500))
      ->capture_default_str();
  command
      .add_flag(
          "--keep-crops", args.keep_crops,
          "Keep a picture of each face that is enrolled or kept for review, encrypted where the gallery is")
      ->envname("LIKENESS_SERVE_KEEP_CROPS");
  command.add_option("--backups", args.backups, "Folder into which the API may write backups")
      ->envname("LIKENESS_SERVE_BACKUPS");
}

void add_compat_options(CLI::App& command, ServeArgs& args) {
  std::string names;
  for (const std::string& name : serve::compat_protocols()) names += (names.empty() ? "" : ",") + name;
  command
      .add_option("--compat", args.compat.protocols,
                  "Also speak what other servers' clients speak, by commas: " + names)
      ->envname("LIKENESS_SERVE_COMPAT")
      ->delimiter(',');
  command
      .add_option(
          "--compreface-scale", args.compreface_scale,
          "Similarity for CompreFace's clients: by its own curve where the model is the one that it was "
          "made for (published), or with one half at the gallery's threshold (calibrated)")
      ->envname("LIKENESS_SERVE_COMPREFACE_SCALE")
      ->check(CLI::IsMember({"published", "calibrated"}))
      ->capture_default_str();
  command
      .add_option("--immich-upstream", args.compat.immich_upstream,
                  "Pass what Immich asks for beside faces on to this machine learning server")
      ->envname("LIKENESS_SERVE_IMMICH_UPSTREAM");
}

void add_limit_options(CLI::App& command, ServeArgs& args) {
  command.add_option("--queue", args.queue, "Requests that may wait for a thread; more are answered 503")
      ->envname("LIKENESS_SERVE_QUEUE")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command
      .add_option("--requests-a-key", args.requests_a_key,
                  "Requests of one key under way; more are answered 429")
      ->envname("LIKENESS_SERVE_REQUESTS_A_KEY")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command
      .add_option("--stop-within", args.patience_s, "Seconds that requests under way get when it is stopped")
      ->envname("LIKENESS_SERVE_STOP_WITHIN")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
}

}  // namespace

void add_serve_command(CLI::App& app, Exit& exit) {
  const auto args = std::make_shared<ServeArgs>();
  CLI::App* command = app.add_subcommand("serve", "Answer over HTTP: detect, embed, verify, search, enrol");
  command->footer(
      "Example: likeness serve --gallery people.gallery\n"
      "         curl -F photo=@party.jpg http://127.0.0.1:8080/v1/search");
  command
      ->add_option("--gallery", args->galleries,
                   "A gallery's file, or postgresql://HOST/DATABASE?gallery=NAME for one that several "
                   "services share; made where "
                   "there is none. NAME=FILE gives it a name, and may be given again")
      ->envname("LIKENESS_SERVE_GALLERY");
  command->add_option("--key-file", args->key_file,
                      "File whose first line is encrypted galleries' passphrase; else LIKENESS_GALLERY_KEY");
  add_net_options(*command, *args);
  add_shard_options(*command, *args);
  command->add_option("--audit", args->audit, "Append who did what to this file, without names or pictures")
      ->envname("LIKENESS_SERVE_AUDIT");
  add_keeping_options(*command, *args);
  add_limit_options(*command, *args);
  add_compat_options(*command, *args);
  add_source_options(*command, args->sources);
  command->add_flag("--quiet", args->quiet, "Do not log each request on stderr");
  command->add_flag("--check", args->check, "Open everything, say what would be done, and stop");
  command->add_option("--config", args->config, "File of `option = value` lines; the command line goes first")
      ->envname("LIKENESS_SERVE_CONFIG");
  add_detector_options(*command, args->models);
  add_people_model_options(*command, args->models);
  add_threads_option(*command, args->models.threads);
  command->callback([args, command, &exit] {
    if (!args->config.empty()) read_config(*command, args->config);
    if (args->galleries.empty()) throw std::invalid_argument("say which gallery to serve: --gallery FILE");
    exit = serve(*args);
  });
}

}  // namespace likeness::cli
