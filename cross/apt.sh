# Where this machine's apt gets Debian from, and an apt of one's own beside the system's. Sourced.
# shellcheck shell=bash

# debian_mirror [SUFFIX]: the address of Debian, or of that part of it ("-security"), as apt knows
# it here; empty when it knows none.
debian_mirror() {
  # shellcheck disable=SC2016  # apt's own variables
  apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk -v suffix="${1:-}" '$2 == "main" && !found &&
      (suffix == "" ? $1 !~ /-/ : $1 ~ suffix "$") { print $3; found = 1 }'
}

# own_apt FOLDER ARCH SUITE MIRROR: lists, cache and an empty dpkg database in that folder, for
# another architecture or suite than the machine's; nothing of the system is touched. It is used by
# APT_CONFIG=FOLDER/apt.conf; what is fetched lands in FOLDER/debs.
own_apt() {
  local folder=$1 arch=$2 suite=$3 mirror=$4
  mkdir -p "$folder"/{lists,debs}/partial "$folder/etc/parts" "$folder/dpkg"
  : >"$folder/dpkg/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" \
    >"$folder/etc/sources.list"
  cat >"$folder/apt.conf" <<END
APT::Architecture "$arch"; APT::Architectures { "$arch"; };
APT::Install-Recommends "false"; Acquire::Languages "none"; APT::Sandbox::User "";
Dir::State "$folder"; Dir::State::Lists "$folder/lists"; Dir::State::status "$folder/dpkg/status";
Dir::Cache "$folder"; Dir::Cache::Archives "$folder/debs";
Dir::Etc "$folder/etc"; Dir::Etc::SourceList "$folder/etc/sources.list";
Dir::Etc::SourceParts "$folder/etc/parts"; Dir::Etc::Parts "$folder/etc/parts";
Dir::Etc::Preferences "$folder/etc/none"; Dir::Etc::PreferencesParts "$folder/etc/parts";
Debug::NoLocking "true"; quiet "1"; DPkg::Post-Invoke "";
END
}
