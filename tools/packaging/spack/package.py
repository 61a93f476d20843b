# Copyright 2026 the heloci developers
#
# SPDX-License-Identifier: Apache-2.0
"""Spack recipe of heloci; goes into a repository as packages/heloci/package.py. A checkout is
built by `spack develop --path <checkout> heloci@main` in an environment that lists heloci. The
tests of heloci hold its dependencies to tools/packaging/dependencies.txt."""

from spack_repo.builtin.build_systems.cmake import CMakePackage
from spack_repo.builtin.build_systems.cuda import CudaPackage

from spack.package import *


class Heloci(CMakePackage, CudaPackage):
    """Genome-wide association scans on genotypes that stay encrypted: a data owner encrypts a
    cohort once, a compute centre scans the ciphertexts without a key, the owner decrypts exact
    sums. Below it lies a general RNS-CKKS engine in C."""

    # The name .invalid is reserved: heloci has no public address yet.
    homepage = "https://heloci.invalid"
    git = "https://heloci.invalid/heloci.git"

    license("Apache-2.0")

    version("main", branch="main")
    version("0.1.0", tag="v0.1.0")

    variant("docs", default=True, description="Manual pages and completion for bash, zsh and fish")

    depends_on("c", type="build")
    depends_on("cxx", type="build", when="+cuda")
    depends_on("cmake@3.25:", type="build")
    depends_on("pkgconfig", type="build")

    depends_on("openssl@3:")
    depends_on("cairo+png+svg")
    depends_on("xxhash")
    depends_on("hwloc@2.1:")
    depends_on("jansson")
    depends_on("cuda@12:", when="+cuda")

    requires("platform=linux", msg="heloci is written for Linux")
    # AVX-512 and 128-bit integers as gcc 12 and clang 14 have them
    conflicts("%gcc@:11")
    conflicts("%clang@:13")
    # Ampere is the least architecture that the kernels are written for
    for _arch in CudaPackage.cuda_arch_values:
        if int(_arch.rstrip("af")) < 80:
            conflicts(f"+cuda cuda_arch={_arch}", msg="heloci needs compute capability 8.0")

    def cmake_args(self):
        args = [
            self.define("HEL_TESTS", False),
            self.define("HEL_BENCH", False),
            self.define("HEL_WERROR", False),
            self.define("HEL_CUDA", "ON" if self.spec.satisfies("+cuda") else "OFF"),
            self.define_from_variant("HEL_DOCS", "docs"),
        ]
        if self.spec.satisfies("+cuda cuda_arch=none"):
            args.append(self.define("HEL_CUDA_ALL", True))  # all that the compiler knows, and PTX
        elif self.spec.satisfies("+cuda"):
            archs = self.spec.variants["cuda_arch"].value
            args.append(self.define("CMAKE_CUDA_ARCHITECTURES", archs))
        return args

    def setup_run_environment(self, env):
        env.set("HELOCI_HOME", self.prefix)

    def test_params(self):
        """search a parameter set and prove it"""
        heloci = which(self.prefix.bin.heloci, required=True)
        out = heloci("params", output=str.split, error=str.split)
        assert "holds" in out and "within" in out

    def test_version(self):
        """ask the program for its version"""
        if self.spec.satisfies("@main"):
            raise SkipTest("a branch has no version of its own")
        heloci = which(self.prefix.bin.heloci, required=True)
        out = heloci("--version", output=str.split, error=str.split)
        assert f"heloci {self.spec.version}" in out
