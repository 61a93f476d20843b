#!/usr/bin/env python3
"""The Spack recipe and the easyconfigs against tools/packaging/dependencies.txt, the version and
CMake's options. Spack is replaced by a stub that remembers what a recipe says; EasyBuild by the
names that an easyconfig may use.

    recipes.py SOURCE_DIR VERSION
"""

import os
import re
import sys
import types

failed = False


def complain(text):
    global failed
    failed = True
    print(text)


def read_list(path):
    """Rows of dependencies.txt for the library and the programs."""
    names = ("module", "least", "who", "static", "debian", "spack", "easybuild")
    with open(path) as lines:
        rows = [dict(zip(names, x.split())) for x in lines if x.strip() and x[0] != "#"]
    return [row for row in rows if row["who"] in ("library", "programs")]


def cmake_options(source):
    """Cache variables of the project that begin with HEL_, with their defaults."""
    found = {}
    for folder, _, files in os.walk(source):
        if os.path.basename(folder).startswith("build") or "/.git" in folder:
            continue
        for name in files:
            if name == "CMakeLists.txt":
                with open(os.path.join(folder, name)) as text:
                    text = text.read()
                found.update(re.findall(r'option\((HEL_\w+) ".*?" (\w+)\)', text))
                found.update(re.findall(r"set\((HEL_\w+) (\S+) CACHE", text))
    return found


class Recorder:
    """What a recipe's directives said, in order."""

    def __init__(self):
        self.said = []

    def directive(self, name):
        def say(*args, **options):
            self.said.append((name, args, options))

        return say

    def of(self, name):
        return [(args, options) for said, args, options in self.said if said == name]


class Spec:
    """One answer to spec.satisfies and spec.variants, from +cuda and cuda_arch."""

    def __init__(self, cuda=False, arch="none", version="0"):
        self.cuda, self.arch, self.version = cuda, arch, version
        self.variants = {"cuda_arch": types.SimpleNamespace(value=(arch,))}

    def satisfies(self, text):
        known = {
            "+cuda": self.cuda,
            "+cuda cuda_arch=none": self.cuda and self.arch == "none",
            "@main": self.version == "main",
        }
        return known[text]


class Program:
    """A program that answers as heloci does."""

    def __init__(self, version):
        self.version = version

    def __call__(self, word, **options):
        return "heloci %s\n" % self.version if word == "--version" else "holds\nwithin\n"


def load_recipe(path, recorder, version):
    def module(name, **content):
        sys.modules[name] = made = types.ModuleType(name)
        made.__dict__.update(content)
        return made

    class PackageBase:
        def define(self, name, value):
            if isinstance(value, bool):
                return "-D%s:BOOL=%s" % (name, "ON" if value else "OFF")
            text = value if isinstance(value, str) else ";".join(value)
            return "-D%s:STRING=%s" % (name, text)

        def define_from_variant(self, name, variant):
            if variant not in [args[0] for args, _ in recorder.of("variant")]:
                complain("package.py: there is no variant %s" % variant)
            return self.define(name, True)

    class CMakePackage(PackageBase):
        pass

    class CudaPackage(PackageBase):
        cuda_arch_values = ("10", "37", "75", "80", "87", "90", "90a", "100", "100f", "120a")

    directives = {
        name: recorder.directive(name)
        for name in ("version", "variant", "depends_on", "conflicts", "requires", "license")
    }
    stub = dict(directives, which=lambda *args, **options: Program(version), SkipTest=Exception)
    for name in ("spack_repo", "spack_repo.builtin", "spack_repo.builtin.build_systems", "spack"):
        module(name)
    module("spack_repo.builtin.build_systems.cmake", CMakePackage=CMakePackage)
    module("spack_repo.builtin.build_systems.cuda", CudaPackage=CudaPackage)
    module("spack.package", **stub)
    space = {"__name__": "package"}
    with open(path) as text:
        exec(compile(text.read(), path, "exec"), space)
    return space["Heloci"], CMakePackage, CudaPackage


def check_dependencies(recorder, rows):
    link = {}
    for args, options in recorder.of("depends_on"):
        if options.get("type") is None and "when" not in options:
            name = re.match(r"[a-z0-9-]+", args[0]).group()
            link[name] = args[0]
    wanted = {row["spack"]: row["least"] for row in rows}
    for name in sorted(set(wanted) - set(link)):
        least = "" if wanted[name] == "-" else "@%s:" % wanted[name]
        complain('package.py lacks depends_on("%s%s")' % (name, least))
    for name in sorted(set(link) - set(wanted)):
        complain("package.py depends on %s, dependencies.txt does not" % name)
    for name in set(link) & set(wanted):
        least = re.search(r"@([0-9.]+):", link[name])
        least = least.group(1) if least else "-"
        if least != wanted[name]:
            complain("package.py: %s from %s on, not %s" % (name, least, wanted[name]))
    build = [args[0] for args, options in recorder.of("depends_on") if options.get("type")]
    for needed in ("c", "cmake@3.25:", "pkgconfig"):
        if needed not in build:
            complain("package.py does not build with %s" % needed)
    if (("cuda@12:",), {"when": "+cuda"}) not in recorder.of("depends_on"):
        complain("package.py: the variant cuda does not depend on cuda")


def check_arguments(recipe, options):
    def arguments(**spec):
        package = recipe()
        package.spec = Spec(**spec)
        pairs = [re.match(r"-D(\w+):\w+=(.*)", x).groups() for x in package.cmake_args()]
        for name, value in pairs:
            if name.startswith("HEL_") and name not in options:
                complain("package.py sets %s, CMake has no such option" % name)
            if options.get(name) in ("ON", "OFF") and value not in ("ON", "OFF"):
                complain("package.py sets %s to %s" % (name, value))
        return dict(pairs)

    plain, every, one = arguments(), arguments(cuda=True), arguments(cuda=True, arch="90")
    for given in (plain, every, one):
        for name in ("HEL_TESTS", "HEL_BENCH", "HEL_WERROR"):
            if given.get(name) != "OFF":
                complain("package.py leaves %s on" % name)
        if given.get("HEL_DOCS") != "ON":
            complain("package.py does not pass the variant docs on")
    seen = [
        (x.get("HEL_CUDA"), x.get("HEL_CUDA_ALL"), x.get("CMAKE_CUDA_ARCHITECTURES"))
        for x in (plain, every, one)
    ]
    if seen != [("OFF", None, None), ("ON", "ON", None), ("ON", None, "90")]:
        complain("package.py: HEL_CUDA, HEL_CUDA_ALL and architectures are %s" % seen)


def check_spack(source, version, rows):
    recorder = Recorder()
    path = os.path.join(source, "tools/packaging/spack/package.py")
    recipe, cmake, cuda = load_recipe(path, recorder, version)
    if not (issubclass(recipe, cmake) and issubclass(recipe, cuda)) or not recipe.__doc__:
        complain("package.py: the class is not a described CMakePackage and CudaPackage")
    if version not in [args[0] for args, _ in recorder.of("version")]:
        complain("package.py does not know version %s" % version)
    if recorder.of("license") != [(("Apache-2.0",), {})]:
        complain("package.py: another licence")
    check_dependencies(recorder, rows)
    check_arguments(recipe, cmake_options(source))
    excluded = [args[0] for args, _ in recorder.of("conflicts") if "cuda_arch" in args[0]]
    if excluded != ["+cuda cuda_arch=%s" % x for x in ("10", "37", "75")]:
        complain("package.py excludes the architectures %s" % excluded)

    package = recipe()
    package.prefix = types.SimpleNamespace(bin=types.SimpleNamespace(heloci="/bin/heloci"))
    package.spec = Spec(version=version)
    tests = [name for name in dir(recipe) if name.startswith("test_")]
    for name in tests:
        if not getattr(recipe, name).__doc__:
            complain("package.py: %s says not what it does" % name)
        getattr(package, name)()
    if len(tests) < 2:
        complain("package.py has hardly a test")
    environment = []
    package.setup_run_environment(
        types.SimpleNamespace(set=lambda *args: environment.append(args))
    )
    if environment != [("HELOCI_HOME", package.prefix)]:
        complain("package.py: the environment is %s" % environment)


def numbers(version):
    return [int(part) for part in version.split(".")]


def check_easyconfig(path, version, rows, options):
    name = os.path.basename(path)
    system = {"name": "system", "version": "system"}
    space = {"SYSTEM": system, "SHLIB_EXT": "so", "SOURCE_TAR_GZ": "%(name)s-%(version)s.tar.gz"}
    with open(path) as text:
        exec(compile(text.read(), path, "exec"), space)
    said = {row[0]: row[1] for row in space["dependencies"]}
    toolchain = "%(name)s-%(version)s" % space["toolchain"]
    suffix = space.get("versionsuffix", "").replace("%(cudaver)s", said.get("CUDA", "?"))
    if name != "heloci-%s-%s%s.eb" % (space["version"], toolchain, suffix):
        complain("%s: that is not the name which its content asks for" % name)
    if space["name"] != "heloci" or space["version"] != version:
        complain("%s is for version %s" % (name, space["version"]))
    wanted = {row["easybuild"] for row in rows}
    for missing in sorted(wanted - set(said)):
        complain("%s lacks the dependency %s" % (name, missing))
    for other in sorted(set(said) - wanted - {"CUDA"}):
        complain("%s depends on %s, dependencies.txt does not" % (name, other))
    for row in rows:
        given = said.get(row["easybuild"])
        if given and row["least"] != "-" and numbers(given) < numbers(row["least"]):
            complain("%s: %s %s is too old" % (name, row["easybuild"], given))
    built_with = [row[0] for row in space["builddependencies"]]
    if built_with != ["CMake", "pkgconf"]:
        complain("%s builds with %s" % (name, built_with))
    for option, value in re.findall(r"-D(HEL_\w+)=(\w+)", space["configopts"]):
        if option not in options:
            complain("%s sets %s, CMake has no such option" % (name, option))
        if (option == "HEL_CUDA") != (value == "ON") and option != "HEL_CUDA_ALL":
            complain("%s sets %s to %s" % (name, option, value))
    for needed in ("bin/heloci", "lib/libheloci.so", "lib/pkgconfig/heloci.pc"):
        if needed not in space["sanity_check_paths"]["files"]:
            complain("%s does not look for %s" % (name, needed))


def main():
    source, version = sys.argv[1:]
    rows = read_list(os.path.join(source, "tools/packaging/dependencies.txt"))
    check_spack(source, version, rows)
    folder = os.path.join(source, "tools/packaging/easybuild")
    easyconfigs = [x for x in sorted(os.listdir(folder)) if x.endswith(".eb")]
    if not easyconfigs:
        complain("no easyconfig in %s" % folder)
    for name in easyconfigs:
        check_easyconfig(os.path.join(folder, name), version, rows, cmake_options(source))
    if not failed:
        print(
            "recipes: Spack and %d easyconfig(s), %d dependencies" % (len(easyconfigs), len(rows))
        )
    return 1 if failed else 0


sys.exit(main())
