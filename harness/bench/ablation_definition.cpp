#include "harness/bench/ablation_definition.hpp"

#include "harness/bench/definition_fields.hpp"
#include "harness/bench/usage.hpp"
#include "harness/bench/workload_text.hpp"

#include <algorithm>
#include <tuple>

namespace reactorlab::bench {
namespace {

std::vector<std::string> buildable_names() {
  std::vector<std::string> names;
  for (const AblationDefinition& one : ablations())
    if (one.left_out.empty()) names.push_back(one.name);
  return names;
}

std::vector<std::string> texts_in(Fields& fields, const char* name) {
  const DefinitionJson& list = fields.at(name);
  const auto is_text = [](const DefinitionJson& one) { return one.is_string(); };
  if (!list.is_array() || list.empty() || !std::all_of(list.begin(), list.end(), is_text)) fields.wrong(name, "a list of texts");
  return list.get<std::vector<std::string>>();
}

void take_hypothesis(AblationDefinition& ablation, Fields& fields) {
  Fields part(fields.at("hypothesis"), fields.place_of("hypothesis"));
  Fields expected(part.at("expected"), part.place_of("expected"));
  for (const std::string& workload : workload_names()) {
    if (expected.find(workload.c_str()) == nullptr) continue;
    const std::vector<std::string> relations = {"dearer", "cheaper", "equivalent"};
    ablation.expected[workload] = expected.one_of(workload.c_str(), relations, [](const std::string& one) { return one; });
  }
  expected.done();
  if (ablation.expected.empty()) part.wrong("expected", "an object with at least one workload");
  ablation.because = part.text("because");
  ablation.source = part.text("source");
  ablation.written = part.day("written");
  part.done();
}

std::vector<AblationDefinition> all_ablations() {
  std::vector<AblationDefinition> all;
  for (const WorkloadFile& file : ablation_files()) all.push_back(ablation_from(file));
  const auto place = [](const AblationDefinition& one) { return std::tuple(!one.left_out.empty(), std::string_view(one.name)); };
  std::sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
  return all;
}

/// "tcp_echo dearer, await_chain equivalent".
std::string expected_text(const AblationDefinition& ablation) {
  std::vector<std::string> parts;
  for (const auto& [workload, relation] : ablation.expected) parts.push_back(workload + " " + relation);
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

std::string varies_text(const AblationDefinition& ablation) {
  return fmt::format("{}{}", fmt::join(ablation.varies, ", "),
                     ablation.locking.empty() ? "" : fmt::format(" with locking {}", ablation.locking));
}

std::vector<WorkloadFile> ablation_files() {
  return {
#include "reactorlab/ablation_files.inc"
  };
}

AblationDefinition ablation_from(const WorkloadFile& file) {
  const DefinitionJson object = parse_definition(file.name, file.text);
  Fields fields(object, std::string(file.name));
  AblationDefinition ablation;
  ablation.name = fields.text("name");
  if (file.name != ablation.name + ".json") fields.wrong("name", "the file's, without .json");
  ablation.summary = fields.text("summary");
  ablation.isolates = fields.text("isolates");
  if (fields.find("left_out") != nullptr) {
    ablation.left_out = fields.text("left_out");
  } else {
    ablation.varies = texts_in(fields, "varies");
    if (fields.find("locking") != nullptr) ablation.locking = fields.text("locking");
    if (fields.find("serves") != nullptr) ablation.serves = texts_in(fields, "serves");
    take_hypothesis(ablation, fields);
  }
  fields.done();
  return ablation;
}

const std::vector<AblationDefinition>& ablations() {
  static const std::vector<AblationDefinition> all = all_ablations();
  return all;
}

const AblationDefinition* find_ablation(std::string_view name) {
  const auto& all = ablations();
  const auto found = std::find_if(all.begin(), all.end(), [&](const AblationDefinition& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

const AblationDefinition& ablation_named_by_user(std::string_view name) {
  const AblationDefinition* const ablation = find_ablation(name);
  if (ablation == nullptr) throw UsageError(measure::unknown_choice("ablation", name, buildable_names()));
  if (!ablation->left_out.empty()) throw UsageError(fmt::format("the ablation {} isn't built: {}", name, ablation->left_out));
  return *ablation;
}

std::string line_about(const AblationDefinition& ablation) {
  if (!ablation.left_out.empty()) return fmt::format("  {:<21} [left out: {}]", ablation.name, ablation.left_out);
  return fmt::format("  {:<21} {} ({})", ablation.name, ablation.summary, varies_text(ablation));
}

std::string text_about(const AblationDefinition& ablation) {
  std::string text = paragraph("ablation", ablation.name + ": " + ablation.summary);
  text += paragraph("isolates", ablation.isolates);
  if (!ablation.left_out.empty()) return text + paragraph("left out", ablation.left_out);
  text += paragraph(
      "varies", varies_text(ablation) + ", on epoll: bench run --impl=" + ablation.varies.front() + " --ablate=" + ablation.name);
  text += paragraph("hypothesis", expected_text(ablation)) + paragraph("", ablation.because);
  text += paragraph("source", fmt::format("{}; written {}", ablation.source, ablation.written));
  return text;
}

nlohmann::json json_of(const AblationDefinition& ablation) {
  nlohmann::json json = {{"name", ablation.name},
                         {"summary", ablation.summary},
                         {"isolates", ablation.isolates},
                         {"varies", ablation.varies},
                         {"serves", ablation.serves}};
  json["locking"] = ablation.locking.empty() ? nlohmann::json(nullptr) : nlohmann::json(ablation.locking);
  json["left_out"] = ablation.left_out.empty() ? nlohmann::json(nullptr) : nlohmann::json(ablation.left_out);
  if (ablation.left_out.empty())
    json["hypothesis"] = {
        {"expected", ablation.expected}, {"because", ablation.because}, {"source", ablation.source}, {"written", ablation.written}};
  return json;
}

}  // namespace reactorlab::bench
