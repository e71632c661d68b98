using System.Diagnostics;
using CozeCluster.TestKit;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>One PostgreSQL with tables for all clusters of the test process. It ends with the process.</summary>
internal static class Database
{
    private static readonly Lazy<Task<PrivatePostgres>> Shared = new(StartAsync);

    /// <summary>Gets the connection string. Starts the server if necessary.</summary>
    public static async Task<string> GetConnectionStringAsync() => (await Shared.Value).ConnectionString;

    /// <summary>Runs a command of the node's program to its end.</summary>
    /// <returns>The exit code and the output.</returns>
    public static Task<(int Code, string Output)> RunCommandAsync(params string[] arguments) => RunCommandAsync([], arguments);

    /// <summary>Runs a command with environment variables.</summary>
    public static async Task<(int Code, string Output)> RunCommandAsync(Dictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "CozeCluster.Silo.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await errors);
    }

    private static async Task<PrivatePostgres> StartAsync()
    {
        var postgres = await PrivatePostgres.StartAsync();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => postgres.DisposeAsync().AsTask().Wait();
        var (code, output) = await RunCommandAsync("schema", "apply", "--postgres", postgres.ConnectionString);
        return code == 0 ? postgres : throw new InvalidOperationException(output);
    }
}
