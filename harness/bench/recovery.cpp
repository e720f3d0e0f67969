#include "harness/bench/recovery.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace reactorlab::bench {
namespace {

class Reader {
 public:
  Reader(const RunPlan& plan, const std::vector<Slot>& schedule, const std::string& digest)
      : plan_(plan), schedule_(schedule), digest_(digest), line_of_slot_(schedule.size()) {
    found_.samples.resize(schedule.size());
  }

  void take(const std::string& line) {
    ++number_;
    try {
      keep(sample_from_line(line));
      found_.good_lines += line + "\n";
    } catch (const DamagedLine& damage) {
      found_.damage.push_back(fmt::format("samples.jsonl:{}: {}", number_, damage.what()));
      found_.damaged_lines += line + "\n";
    }
  }

  Recovery result() { return std::move(found_); }

 private:
  void keep(Sample sample) {
    if (sample.provenance != digest_)
      throw std::runtime_error(
          fmt::format("samples.jsonl:{} is a sample of another run (its digest is '{}', provenance.json says '{}'): "
                      "the files of two runs "
                      "were mixed. Put the right samples.jsonl back, or measure anew with another --out=DIR",
                      number_, sample.provenance, digest_));
    const auto slot = slot_of(plan_, schedule_, sample);
    if (!slot)
      throw DamagedLine(fmt::format("not in the plan: {} in {}, round {}, position {}", sample.impl, describe(sample.cell),
                                    sample.round, sample.position));
    if (line_of_slot_[*slot] != 0) throw DamagedLine(fmt::format("the same sample as in line {}", line_of_slot_[*slot]));
    line_of_slot_[*slot] = number_;
    found_.samples[*slot] = std::move(sample);
    ++found_.kept;
  }

  const RunPlan& plan_;
  const std::vector<Slot>& schedule_;
  const std::string& digest_;
  std::vector<std::size_t> line_of_slot_;  ///< 0: none yet
  std::size_t number_ = 0;
  Recovery found_;
};

}  // namespace

Recovery recover(const std::string& text, const RunPlan& plan, const std::vector<Slot>& schedule, const std::string& digest) {
  Reader reader(plan, schedule, digest);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    reader.take(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return reader.result();
}

}  // namespace reactorlab::bench
