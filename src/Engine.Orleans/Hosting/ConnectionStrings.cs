using Npgsql;

namespace CozeCluster.Engine.Orleans;

/// <summary>How nodes speak with the database, where the operator's connection string leaves it open.</summary>
internal static class ConnectionStrings
{
    /// <summary>
    /// The statements are few and always the same, so that the database need not parse and plan them each time, and nothing in a connection needs undoing before its next use.
    /// A statement takes a millisecond or two: twenty connections do more of them than one machine has use for, and four silos stay within what a database server allows by default.
    /// </summary>
    public static string WithDefaults(string connectionString)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        // ContainsKey says which keywords there are, not which are set.
        var given = builder.Keys.Cast<string>().ToHashSet(StringComparer.OrdinalIgnoreCase);
        if (!given.Contains("Max Auto Prepare")) builder.MaxAutoPrepare = 32;
        if (!given.Contains("No Reset On Close")) builder.NoResetOnClose = true;
        if (!given.Contains("Maximum Pool Size")) builder.MaxPoolSize = Math.Max(20, builder.MinPoolSize);
        return builder.ToString();
    }

    /// <summary>Members and reminders are few, and wait for the disk in any case.</summary>
    public static string ForStates(OrleansEngineOptions options)
    {
        if (options.SavesWaitForDisk) return options.ConnectionString;
        var builder = new NpgsqlConnectionStringBuilder(options.ConnectionString);
        builder.Options = $"{builder.Options} -c synchronous_commit=off".TrimStart();
        return builder.ToString();
    }
}
