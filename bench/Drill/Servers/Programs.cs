namespace CozeCluster.Drill;

/// <summary>Programs of the machine.</summary>
internal static class Programs
{
    /// <summary>The path of a program: on the path of the shell, else in one of <paramref name="folders"/>.</summary>
    /// <exception cref="ServerException">It is not installed.</exception>
    public static string Find(string name, params IEnumerable<string> folders) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(folders).Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists)
        ?? throw new ServerException($"{name} is not installed");
}
