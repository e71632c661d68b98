using System.Diagnostics;
using System.Runtime.CompilerServices;
using CozeCluster.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Scale;

/// <summary>
/// Measures what it costs to count the turns of a busy hour, and to read usage of 90 days. The storage is filled as a restore does it, because a million rows
/// of usage come from many more turns.
/// </summary>
internal sealed class UsageMeasurements(int usageRows, int turns) : IStoreSource
{
    /// <summary>The service id under which the tool stores everything.</summary>
    public const string ServiceId = "scale";

    private const int Days = 90;
    private const int Tenants = 20;
    private const int StepSize = 200;
    private const int Times = 5;

    // The beginning of this hour.
    private static readonly DateTimeOffset End =
        DateTimeOffset.UnixEpoch.AddHours(Math.Floor((TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalHours));

    private static readonly DateTimeOffset Start = End.AddDays(-Days);
    private static readonly byte[] Details = new byte[400];

    public StoreOrigin Origin { get; } = new("sqlite", 0, null);

    public IReadOnlyList<string> DamagedBlobs => [];

    public async IAsyncEnumerable<StoredRow> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield();
        var firstTurn = TurnRowId.At(End.AddHours(-1));
        for (var i = 0; i < turns; i++) yield return Turn(firstTurn + i * 1_000L, i);
        var hours = Days * 24;
        var (first, perHour) = ((Start - DateTimeOffset.UnixEpoch).TotalHours, usageRows / hours / Tenants);
        for (var hour = 0; hour < hours; hour++)
        {
            for (var tenant = 0; tenant < Tenants; tenant++)
            {
                for (var user = 0; user < perHour; user++) yield return Usage((long)first + hour, tenant, user);
            }
        }
        for (var i = 0; i < turns; i++) yield return new StoredRow(RowKind.UncountedTurn, [firstTurn + i * 1_000L]);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Measures, and prints a table.</summary>
    public static async Task Run(IServiceProvider services)
    {
        var (usage, counter) = (services.GetRequiredService<IUsageStore>(), services.GetRequiredService<IUsageCounter>());
        Console.WriteLine("\n| usage | ms |\n|---|---:|");
        await Measure(usage, "sum of 90 days while the hour is not counted", new UsageQuery { From = Start, Until = End });
        await Count(counter);
        var all = new UsageQuery { From = Start, Until = End, Limit = 1_000 };
        await Measure(usage, "sum of 90 days", all);
        await Measure(usage, "90 days by day", all with { Period = UsagePeriod.Day });
        await Measure(usage, "90 days by hour, first page", all with { Period = UsagePeriod.Hour });
        await Measure(usage, "90 days by tenant and model", all with { GroupBy = UsageDimensions.Tenant | UsageDimensions.Model });
        await Measure(usage, "90 days by user, first page", all with { GroupBy = UsageDimensions.User });
        await Measure(usage, "90 days of a tenant by day", all with { TenantId = "tenant-07", Period = UsagePeriod.Day });
        await Measure(usage, "a day of a tenant by hour and user", all with
        {
            From = End.AddDays(-1), TenantId = "tenant-07", Period = UsagePeriod.Hour, GroupBy = UsageDimensions.User,
        });
    }

    private static async Task Count(IUsageCounter counter)
    {
        var steps = new List<double>();
        for (var counted = StepSize; counted == StepSize;)
        {
            var start = Stopwatch.GetTimestamp();
            counted = await counter.CountAsync(StepSize, default);
            steps.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        var total = steps.Sum();
        steps.Sort();
        Console.WriteLine($"| count the hour, {steps.Count} steps together | {total:f0} |");
        Console.WriteLine($"| a step, p50 | {steps[steps.Count / 2]:f1} |\n| a step, p99 | {steps[steps.Count * 99 / 100]:f1} |");
    }

    private static async Task Measure(IUsageStore usage, string what, UsageQuery query)
    {
        var times = new double[Times];
        var rows = 0;
        for (var i = 0; i < Times; i++)
        {
            var start = Stopwatch.GetTimestamp();
            rows = (await usage.Read(query, default)).Count;
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
        Array.Sort(times);
        Console.WriteLine($"| {what}: {rows} rows, p50 | {times[Times / 2]:f0} |");
    }

    private static StoredRow Turn(long id, int number) => new(RowKind.Turn,
    [
        id, null, $"turn_{number}", 3L, $"tenant-{number % Tenants:d2}", "app", $"user-{number % 5_000}", $"model-{number % 20}", 2L,
        TurnRowId.TimeOf(id).ToUnixTimeMilliseconds(), null, TurnRowId.TimeOf(id).AddSeconds(5).ToUnixTimeMilliseconds(), "coze", $"bot-{number % 20}",
        $"account-{number % 5}", 1L, null, 40L, 200L, 0L, null, Details, null, null, null, null, null, null,
    ]);

    private static StoredRow Usage(long hour, int tenant, int user) => new(RowKind.Usage,
    [
        hour, $"tenant-{tenant:d2}", "app", $"user-{user:d4}", $"model-{user % 20}", $"bot-{user % 20}", $"account-{user % 5}", 3L, 0L, 0L, 0L, 3L, 120L, 600L,
        0L,
    ]);
}
