using System.Xml.Linq;

namespace CozeCluster.Architecture.Tests;

/// <summary>The table of rooms in <c>docs/architecture.md</c>: what each project under <c>src</c> may use of the others.</summary>
public sealed class RoomsTests
{
    private static readonly Dictionary<string, string[]> MayUse = new()
    {
        ["Grains.Abstractions"] = [],
        ["Grains"] = ["Grains.Abstractions"],
        ["Upstreams"] = ["Grains.Abstractions"],
        ["Engine.Embedded"] = ["Grains.Abstractions"],
        ["Engine.Orleans"] = ["Grains.Abstractions", "Grains"],
        ["Gateway"] = ["Grains.Abstractions"],
        ["Console"] = ["Grains.Abstractions"],
        ["Silo"] = ["Grains.Abstractions", "Grains", "Upstreams", "Engine.Embedded", "Engine.Orleans", "Gateway", "Console", "Sandbox"],
        ["Sandbox"] = [],
    };

    public static TheoryData<string> Rooms => [.. House.Rooms.Select(room => room.Name)];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_uses_only_the_rooms_it_may(string name)
    {
        Assert.True(MayUse.ContainsKey(name), $"{name} is a new room: say in docs/architecture.md and here what it may use.");

        Assert.Empty(House.Rooms.Single(room => room.Name == name).Projects.Except(MayUse[name]));
    }

    [Fact]
    public void Abstractions_needs_no_package() => Assert.Empty(House.Rooms.Single(room => room.Name == "Grains.Abstractions").Packages);

    [Theory]
    [MemberData(nameof(Rooms))]
    public void Orleans_stays_in_its_room(string name)
    {
        var room = House.Rooms.Single(room => room.Name == name);
        if (name == "Engine.Orleans") return;

        Assert.DoesNotContain(room.Packages, package => package.Contains("Orleans", StringComparison.OrdinalIgnoreCase));
        // The host names the room in two guarded lines, nobody else at all.
        if (name != "Silo") Assert.DoesNotContain(SourcesOf(room), path => Code.Of(House.Read(path)).Contains("Orleans", StringComparison.Ordinal));
    }

    [Fact]
    public void Databases_stay_with_the_engines() => Assert.All(
        House.Rooms.Where(room => !room.Name.StartsWith("Engine.", StringComparison.Ordinal)),
        room => Assert.DoesNotContain(room.Packages, package => package.Contains("Sqlite", StringComparison.OrdinalIgnoreCase) || package.StartsWith("Npgsql", StringComparison.Ordinal)));

    /// <summary>A continuation off the grain's scheduler may run beside another call of the same grain.</summary>
    [Fact]
    public void Grains_stay_on_their_scheduler() => Assert.DoesNotContain(
        House.TrackedFiles(),
        path => path.StartsWith("src/Grains/", StringComparison.Ordinal) && path.EndsWith(".cs", StringComparison.Ordinal) && Code.LeavesScheduler(House.Read(path)));

    [Fact]
    public void A_source_file_has_at_most_400_lines() => Assert.DoesNotContain(
        House.TrackedFiles().Where(path => path.StartsWith("src/", StringComparison.Ordinal)).Select(path => (path, House.Read(path).Count(c => c == '\n'))),
        file => file.Item2 > 400);

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_has_tests(string name) => Assert.Contains(House.AllProjects, project => project.Path == $"tests/{name}.Tests/{name}.Tests.csproj");

    /// <summary>Those of the cluster are in none, so that nobody restores what they need who did not ask for it.</summary>
    [Fact]
    public void Every_project_is_in_the_solution_but_those_of_the_cluster()
    {
        var solution = House.Read("CozeCluster.sln").Replace('\\', '/');

        Assert.All(House.AllProjects, project => Assert.Equal(
            !project.Name.StartsWith("Engine.Orleans", StringComparison.Ordinal), solution.Contains($"\"{project.Path}\"", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_cluster_is_asked_for_by_its_property_alone() => Assert.All(
        House.AllProjects.Where(project => !project.Name.StartsWith("Engine.Orleans", StringComparison.Ordinal)),
        project => Assert.DoesNotContain("Engine.Orleans", Unconditional(project)));

    private static IReadOnlyList<string> Unconditional(ProjectFile project) =>
        [.. XDocument.Parse(House.Read(project.Path)).Descendants("ProjectReference")
            .Where(reference => !reference.AncestorsAndSelf().Any(e => (string?)e.Attribute("Condition") == "'$(Cluster)' == 'true'"))
            .Select(reference => Path.GetFileNameWithoutExtension(((string?)reference.Attribute("Include") ?? "").Replace('\\', '/')))];

    [Fact]
    public void No_project_pins_a_version_of_its_own() => Assert.DoesNotContain(
        House.AllProjects, project => House.Read(project.Path).Contains(" VersionOverride=", StringComparison.Ordinal));

    private static IEnumerable<string> SourcesOf(ProjectFile room)
    {
        var folder = Path.GetDirectoryName(room.Path)!.Replace('\\', '/') + "/";
        return House.TrackedFiles().Where(path => path.StartsWith(folder, StringComparison.Ordinal) && path.EndsWith(".cs", StringComparison.Ordinal));
    }
}
