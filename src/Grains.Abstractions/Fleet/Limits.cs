namespace CozeCluster;

/// <summary>The limits of a tenant, an API key, a bot or an account. What is null is not limited.</summary>
[GenerateSerializer, Immutable, Alias("limits-definition")]
public sealed record LimitsDefinition
{
    /// <summary>The requests within any minute.</summary>
    [Id(0)]
    public int? RequestsPerMinute { get; init; }

    /// <summary>The tokens of prompts and replies within any minute.</summary>
    [Id(1)]
    public long? TokensPerMinute { get; init; }

    /// <summary>The turns that run or wait at the same time. Only for keys: a tenant has <see cref="TenantDefinition.MaxConcurrentTurns"/>.</summary>
    [Id(2)]
    public int? MaxConcurrentTurns { get; init; }

    /// <summary>The budget of each day, UTC.</summary>
    [Id(3)]
    public BudgetDefinition? Daily { get; init; }

    /// <summary>The budget of each calendar month, UTC.</summary>
    [Id(4)]
    public BudgetDefinition? Monthly { get; init; }

    /// <summary>Whether there is a limit per minute.</summary>
    public bool HasRates() => RequestsPerMinute is not null || TokensPerMinute is not null;

    /// <summary>Whether there is a budget, so that turns are charged.</summary>
    public bool HasBudget() => Daily is not null || Monthly is not null;
}

/// <summary>What may be used in a period. What is null is not limited.</summary>
[GenerateSerializer, Immutable, Alias("budget-definition")]
public sealed record BudgetDefinition
{
    /// <summary>The requests.</summary>
    [Id(0)]
    public long? Requests { get; init; }

    /// <summary>The tokens of prompts and replies.</summary>
    [Id(1)]
    public long? Tokens { get; init; }

    /// <summary>The credits; see <see cref="PriceDefinition"/>.</summary>
    [Id(2)]
    public decimal? Credits { get; init; }
}

/// <summary>The price of a model in credits, whose value operators decide. The default is that it costs nothing.</summary>
[GenerateSerializer, Immutable, Alias("price-definition")]
public sealed record PriceDefinition
{
    /// <summary>Credits for a million input tokens.</summary>
    [Id(0)]
    public decimal Input { get; init; }

    /// <summary>Credits for a million output tokens.</summary>
    [Id(1)]
    public decimal Output { get; init; }

    /// <summary>Credits for a million input tokens that the upstream read from its cache; null: as <see cref="Input"/>.</summary>
    [Id(2)]
    public decimal? CachedInput { get; init; }

    /// <summary>Credits for each request.</summary>
    [Id(3)]
    public decimal Request { get; init; }
}
