namespace CozeCluster.Architecture.Tests;

/// <summary>The helpers of the other tests find files, projects and violations.</summary>
public sealed class RepositoryTests
{
    [Fact]
    public void The_references_of_a_project_file_are_read()
    {
        var project = ProjectFile.Parse("src/A/A.csproj", """
            <Project>
              <ItemGroup Condition="'$(Some)' == 'true'"><ProjectReference Include="..\B\B.csproj" /></ItemGroup>
              <ItemGroup><PackageReference Include="P" /><PackageReference Include="Q" PrivateAssets="all" /></ItemGroup>
            </Project>
            """);

        Assert.Equal("A", project.Name);
        Assert.Equal(["B"], project.Projects);
        Assert.Equal(["P"], project.Packages);
    }

    [Fact]
    public void Files_and_projects_are_found()
    {
        Assert.Contains("CozeCluster.sln", Repository.TrackedFiles());
        Assert.Contains(Repository.Rooms, room => room.Name == "Grains.Abstractions");
        Assert.Contains(Repository.AllProjects, project => project.Name == "Architecture.Tests");
    }

    [Theory]
    [InlineData("await x.ConfigureAwait(false);", true)]
    [InlineData("Task.Run(() => 1);", true)]
    [InlineData("await x; // never ConfigureAwait(false)", false)]
    [InlineData("/* ConfigureAwait(false) */ await x;", false)]
    [InlineData("/// <summary>No .ConfigureAwait(false)</summary>", false)]
    [InlineData("RunBackground(ReadReply);", false)]
    public void Leaving_the_scheduler_is_found_in_code_and_not_in_comments(string source, bool leaves) =>
        Assert.Equal(leaves, SourceCode.LeavesScheduler(source));
}
