# SPDX-License-Identifier: Apache-2.0
"""tools/prepare on machines played by stand-ins for dpkg-query, apt-get, dpkg and id."""
from copy_of_tree import CopyOfTree

DPKG_QUERY = """#!/bin/sh
name=$4
[ -e "$WORLD/has-$name" ] && printf 'installed %s' "$(cat "$WORLD/has-$name")"
"""
APT_GET = """#!/bin/sh
echo "$*" >>"$WORLD/apt-calls"
case " $* " in *" update "*) rm -f "$WORLD/lists-old"; exit 0 ;; esac
if [ -e "$WORLD/lists-old" ]; then echo "E: Unable to locate package gcc"; exit 100; fi
if [ -s "$WORLD/locked" ]; then
    sed -i 1d "$WORLD/locked"
    echo "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (apt-get)"; exit 100
fi
if [ -e "$WORLD/interrupted" ]; then
    echo "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem."; exit 100
fi
echo "pmstatus:gcc:50.0:Unpacking gcc" >&3
echo 4:12.2 >"$WORLD/has-gcc"; echo 3.25.1 >"$WORLD/has-cmake"
"""
DPKG = """#!/bin/sh
case $1 in
--compare-versions) exec /usr/bin/dpkg "$@" ;;
--configure) echo "$*" >>"$WORLD/dpkg-calls"; rm -f "$WORLD/interrupted" ;;
esac
"""


class Prepare(CopyOfTree):
    ROOMS = ()

    def setUp(self):
        super().setUp()
        self.world = self.root / "world"
        for name, text in (("dpkg-query", DPKG_QUERY), ("apt-get", APT_GET), ("dpkg", DPKG),
                           ("id", '#!/bin/sh\necho "${UID_PLAYED:-0}"\n'), ("sleep", "#!/bin/sh\n")):
            path = self.write(f"world/bin/{name}", text, licence=False)
            path.chmod(0o755)
        self.write("packages", "build gcc 4:12\nbuild cmake 3.25\ncheck clang-19 1:19\n", licence=False)

    def prepare(self, want="build", **env):
        return self.run_tool("prepare", want, env={
            "WORLD": str(self.world), "PATH": f"{self.world}/bin:/usr/bin:/bin",
            "MUN_PACKAGES": str(self.root / "packages"), **env})

    def have(self, **versions):
        for name, version in versions.items():
            (self.world / f"has-{name.replace('_', '-')}").write_text(version)

    def calls(self, name="apt-calls"):
        path = self.world / name
        return path.read_text() if path.exists() else ""

    def test_all_there_is_silent(self):
        self.have(gcc="4:12.2", cmake="3.25.1")
        self.assertEqual(self.prepare(UID_PLAYED="1000"), (0, ""))

    def test_check_needs_more(self):
        self.have(gcc="4:12.2", cmake="3.25.1")
        code, text = self.prepare("check", UID_PLAYED="1000")
        self.assertEqual((code, "clang-19" in text), (5, True))

    def test_not_root_names_the_packages_and_stops(self):
        code, text = self.prepare(UID_PLAYED="1000")
        self.assertEqual(code, 5)
        self.assertIn("sudo apt-get install gcc cmake", text)
        self.assertEqual(self.calls(), "")

    def test_old_version_counts_as_missing(self):
        self.have(gcc="4:12.2", cmake="3.18.4")
        code, text = self.prepare(UID_PLAYED="1000")
        self.assertEqual((code, "install cmake" in text), (5, True))

    def test_root_installs(self):
        code, text = self.prepare()
        self.assertEqual(code, 0, text)
        self.assertIn("Installing 2 Debian packages: gcc cmake", text)
        self.assertIn("installing 50 %", text)

    def test_old_lists_are_updated_once(self):
        (self.world / "lists-old").touch()
        self.assertEqual(self.prepare()[0], 0)
        self.assertRegex(self.calls(), r"install.*\n.*update\n.*install")

    def test_held_lock_is_waited_for(self):
        (self.world / "locked").write_text("1\n2\n")
        code, text = self.prepare()
        self.assertEqual(code, 0, text)
        self.assertIn("waiting for it (held by process 4711 (apt-get)", text)

    def test_lock_held_for_ever_is_an_error_in_the_end(self):
        (self.world / "locked").write_text("1\n" * 500)
        code, text = self.prepare(MUN_LOCK_WAIT="20")
        self.assertEqual((code, "Could not get lock" in text), (5, True))

    def test_interrupted_dpkg_is_finished(self):
        (self.world / "interrupted").touch()
        code, text = self.prepare()
        self.assertEqual(code, 0, text)
        self.assertEqual(self.calls("dpkg-calls"), "--configure -a\n")

    def test_version_too_old_after_installing(self):
        self.write("packages", "build gcc 4:99\n", licence=False)
        code, text = self.prepare()
        self.assertEqual((code, "no recent enough version of: gcc" in text), (5, True))
